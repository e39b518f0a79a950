import { useErrorBoundary } from 'preact/hooks';
import { LocationProvider, Route, Router, useLocation } from 'preact-iso/router';
import { BASE, pagePath } from './data/base.ts';
import { LiveProvider } from './data/live.tsx';
import { SessionProvider, useSession, useSessionControl } from './data/session.tsx';
import { BrokenPage } from './pages/broken-page.tsx';
import { Home } from './pages/home.tsx';
import { LoginPage } from './pages/login/login-page.tsx';
import { NotFoundPage } from './pages/not-found-page.tsx';
import { OverviewPage } from './pages/overview/overview-page.tsx';
import { SessionPage } from './pages/sessions/session-page.tsx';
import { SessionsPage } from './pages/sessions/sessions-page.tsx';
import { TaskPage } from './pages/task/task-page.tsx';
import { TasksPage } from './pages/tasks/tasks-page.tsx';
import { focusHeading } from './parts/page.tsx';
import { BareShell, Shell } from './parts/shell.tsx';
import { ErrorState, Skeleton } from './parts/states.tsx';

const LOGIN = pagePath('login');

export function App() {
  return (
    <LocationProvider scope={`${BASE}/`}>
      <Gate />
    </LocationProvider>
  );
}

function Gate() {
  const session = useSessionControl();
  const { path } = useLocation();
  const [error, reset] = useErrorBoundary();
  if (error !== undefined) return <BrokenPage reset={reset} />;
  const { state } = session;
  if (state.status === 'in') {
    return (
      <SessionProvider value={state.info}>
        <Pages logout={session.logout} />
      </SessionProvider>
    );
  }
  if (state.status === 'out' || path === LOGIN) {
    return (
      <BareShell>
        <LoginPage control={session} />
      </BareShell>
    );
  }
  return (
    <BareShell>
      {state.status === 'failed' ? (
        <ErrorState error={state.error} retry={() => void session.ask()} />
      ) : (
        <Skeleton lines={3} />
      )}
    </BareShell>
  );
}

function Pages({ logout }: { logout: () => Promise<void> }) {
  const { path } = useLocation();
  const { projects } = useSession();
  const project = projectOf(path);
  if (project === undefined || !projects.some(({ id }) => id === project)) {
    const known = path === (BASE || '/') || path === LOGIN;
    return <BareShell>{known ? <Home /> : <NotFoundPage />}</BareShell>;
  }
  const at = (rest: string): string => `${BASE}/p/:project/${rest}`;
  return (
    <LiveProvider project={project} key={project}>
      <Shell project={project} logout={logout}>
        <Router onRouteChange={focusHeading}>
          <Route path={at('overview')} component={OverviewPage} />
          <Route path={at('tasks')} component={TasksPage} />
          <Route path={at('tasks/:id')} component={TaskPage} />
          <Route path={at('sessions')} component={SessionsPage} />
          <Route path={at('sessions/:id')} component={SessionPage} />
          <Route path={`${BASE}/p/:project`} component={Home} />
          <Route default component={NotFoundPage} />
        </Router>
      </Shell>
    </LiveProvider>
  );
}

/** Undefined also for a path that is not validly encoded, at which the router would throw. */
function projectOf(path: string): string | undefined {
  try {
    const [prefix, project] = path
      .slice(BASE.length + 1)
      .split('/')
      .map(decodeURIComponent);
    return prefix === 'p' ? project : undefined;
  } catch {
    return undefined;
  }
}
