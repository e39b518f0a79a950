import { useEffect, useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso/router';
import type { Choices, TaskPage } from '../../../wire.ts';
import { getJson } from '../../data/api.ts';
import { projectApi, withQuery } from '../../data/base.ts';
import { useLiveChange } from '../../data/live.tsx';
import { type Change, changed, readFilters, tasksUrl } from '../../data/task-query.ts';
import { useResource } from '../../data/use-resource.ts';
import { PageHead } from '../../parts/page.tsx';
import { RefreshError } from '../../parts/states.tsx';
import { usePageTurn } from '../../parts/use-page-turn.ts';
import { FilterBar } from './filter-bar.tsx';
import { FilterChips } from './filter-chips.tsx';
import { TaskList } from './task-list.tsx';
import { useArrived } from './use-arrived.ts';

const REFRESH_MS = 1000;

export function TasksPage() {
  const { path, query, route } = useLocation();
  const { project = '' } = useRoute().params;
  const filters = readFilters(query);
  const { before, after } = filters;
  const api = projectApi(project, 'tasks');
  const onNewest = before === undefined && after === undefined;

  const page = useResource(
    `tasks ${project} ${JSON.stringify(filters)}`,
    (signal) => getJson<TaskPage>(tasksUrl(api, filters), signal),
    { keep: true },
  );
  const choices = useResource(`choices ${project}`, (signal) =>
    getJson<Choices>(projectApi(project, 'choices'), signal),
  );
  useLiveChange(() => onNewest && page.refresh(), REFRESH_MS);
  const arrived = useArrived(api, filters, !onNewest);

  const toNewest = withQuery(path, changed(filters, {}));
  const reachedTop = after !== undefined && !page.stale && page.data?.newer === null;
  useEffect(() => {
    // A page counted from below may be short, and would not be live.
    if (reachedTop) route(toNewest, true);
  }, [reachedTop]);
  usePageTurn(`${before} ${after}`);

  const change = (values: Change, typed = false): void =>
    route(withQuery(path, changed(filters, values)), typed);
  const [clears, setClears] = useState(0);
  const clear = (): void => {
    // Made anew, the fields forget what was typed but is not in the address yet.
    setClears(clears + 1);
    route(path);
  };
  return (
    <>
      <PageHead title="Tasks" documentTitle="Tasks" project={project} />
      <FilterBar key={clears} filters={filters} choices={choices.data} onChange={change} />
      <FilterChips filters={filters} onChange={change} clear={clear} />
      <RefreshError resource={page} />
      <div class="arrived" role="status">
        {arrived && (
          <a class="button small" href={toNewest}>
            New tasks have arrived: go to the newest
          </a>
        )}
      </div>
      <TaskList project={project} path={path} filters={filters} page={page} clear={clear} />
    </>
  );
}
