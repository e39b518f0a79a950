import { useEffect } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso/router';
import type { SessionPage as Page } from '../../../wire.ts';
import { getJson } from '../../data/api.ts';
import { projectApi, withQuery } from '../../data/base.ts';
import { useLiveChange } from '../../data/live.tsx';
import { useResource } from '../../data/use-resource.ts';
import { PageHead } from '../../parts/page.tsx';
import { Pager } from '../../parts/pager.tsx';
import { EmptyState, ErrorState, RefreshError, Skeleton } from '../../parts/states.tsx';
import { usePageTurn } from '../../parts/use-page-turn.ts';
import { SessionTable } from './session-table.tsx';

const REFRESH_MS = 2000;

export function SessionsPage() {
  const { path, query, route } = useLocation();
  const { project = '' } = useRoute().params;
  const { before, after } = query;
  const cursor = { before, after };
  const url = withQuery(projectApi(project, 'sessions'), cursor);
  const resource = useResource(url, (signal) => getJson<Page>(url, signal), { keep: true });
  const { data, error, stale } = resource;
  const onNewest = before === undefined && after === undefined;
  useLiveChange(() => onNewest && resource.refresh(), REFRESH_MS);

  const reachedTop = after !== undefined && !stale && data?.newer === null;
  useEffect(() => {
    if (reachedTop) route(path, true);
  }, [reachedTop]);
  usePageTurn(`${before} ${after}`);
  return (
    <>
      <PageHead title="Sessions" documentTitle="Sessions" project={project} />
      <RefreshError resource={resource} />
      {data === undefined && error !== undefined && (
        <ErrorState error={error} retry={resource.refresh} />
      )}
      {data === undefined && error === undefined && <Skeleton lines={10} kind="row" />}
      {data?.sessions.length === 0 && (
        <EmptyState title="No sessions yet">
          <p class="muted">
            Tasks that share a session id are shown here as one conversation. Chat ids in requests
            are recognised by themselves.
          </p>
        </EmptyState>
      )}
      {data !== undefined && data.sessions.length > 0 && (
        <div class={stale ? 'stale' : undefined} aria-busy={stale}>
          <SessionTable project={project} sessions={data.sessions} />
          <Pager path={path} query={{}} newer={data.newer} older={data.older} />
        </div>
      )}
    </>
  );
}
