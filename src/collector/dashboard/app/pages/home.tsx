import { useEffect } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso/router';
import { projectPath } from '../data/base.ts';
import { nextPage } from '../data/next-page.ts';
import { useSession } from '../data/session.tsx';
import { PageHead } from '../parts/page.tsx';
import { Skeleton } from '../parts/states.tsx';

/** Leads on: to where the reader was before the login, or to the project's overview. */
export function Home() {
  const { route, query } = useLocation();
  const { params } = useRoute();
  const { default_project } = useSession();
  useEffect(() => {
    route(
      nextPage(query.next) ?? projectPath(params?.project ?? default_project, 'overview'),
      true,
    );
  }, []);
  return (
    <>
      <PageHead title="Opening…" documentTitle="Opening" />
      <Skeleton lines={3} />
    </>
  );
}
