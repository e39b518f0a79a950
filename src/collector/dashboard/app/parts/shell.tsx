import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso/router';
import { projectPath } from '../data/base.ts';
import { useSession } from '../data/session.tsx';
import { Icon, Logo } from './icon.tsx';
import { LiveBanner, LiveDot } from './live-banner.tsx';
import { focusHeading } from './page.tsx';
import { ShortcutHelp } from './shortcut-help.tsx';
import { ThemeToggle } from './theme-toggle.tsx';

const PAGES = [
  ['overview', 'Overview'],
  ['tasks', 'Tasks'],
  ['sessions', 'Sessions'],
] as const;

export function Shell({
  project,
  logout,
  children,
}: {
  project: string;
  logout: () => Promise<void>;
  children: ComponentChildren;
}) {
  const { path } = useLocation();
  // Whoever has just logged in begins at the page's heading, as after any navigation.
  useEffect(focusHeading, []);
  return (
    <>
      <SkipLink />
      <header class="header">
        <div class="header-inner">
          <a class="brand" href={projectPath(project, 'overview')}>
            <Logo />
            phospho
          </a>
          <ProjectChoice project={project} />
          <nav class="tabs" aria-label="Main">
            {PAGES.map(([name, label]) => {
              const href = projectPath(project, name);
              const current =
                path === href ? 'page' : path.startsWith(`${href}/`) ? 'true' : undefined;
              return (
                <a key={name} href={href} aria-current={current}>
                  {label}
                </a>
              );
            })}
          </nav>
          <div class="header-end">
            <LiveDot />
            <ShortcutHelp />
            <ThemeToggle />
            <button
              type="button"
              class="icon-button"
              title="Log out"
              aria-label="Log out"
              onClick={() => void logout().catch(() => {})}
            >
              <Icon name="logout" />
            </button>
          </div>
        </div>
      </header>
      <LiveBanner />
      <main id="main" class="main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

/** A page outside of a project: login, errors. */
export function BareShell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <SkipLink />
      <header class="bare-header">
        <span class="brand">
          <Logo />
          phospho
        </span>
        <ThemeToggle />
      </header>
      <main id="main" class="bare-main" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function SkipLink() {
  return (
    <a class="skip-link" href="#main">
      Skip to the content
    </a>
  );
}

function ProjectChoice({ project }: { project: string }) {
  const { projects } = useSession();
  const { route } = useLocation();
  if (projects.length < 2) return null;
  return (
    <select
      class="project-choice"
      aria-label="Project"
      value={project}
      onChange={(event) => route(projectPath(event.currentTarget.value, 'overview'))}
    >
      {projects.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </select>
  );
}
