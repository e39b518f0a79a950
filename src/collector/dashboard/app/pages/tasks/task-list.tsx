import type { TaskPage } from '../../../wire.ts';
import { projectPath, withQuery } from '../../data/base.ts';
import { changed, hasFilters, type TaskFilters } from '../../data/task-query.ts';
import type { Resource } from '../../data/use-resource.ts';
import { Pager } from '../../parts/pager.tsx';
import { EmptyState, ErrorState, Skeleton } from '../../parts/states.tsx';
import { TaskTable } from './task-table.tsx';
import { useFresh } from './use-fresh.ts';

const NONE: TaskPage['tasks'] = [];

/** The table, or what is there instead of it. */
export function TaskList({
  project,
  path,
  filters,
  page,
  clear,
}: {
  project: string;
  path: string;
  filters: TaskFilters;
  page: Resource<TaskPage>;
  clear: () => void;
}) {
  const { data, error, stale } = page;
  const list = JSON.stringify([project, filters, stale || data === undefined]);
  const fresh = useFresh(list, data?.tasks ?? NONE);
  if (data === undefined) {
    if (error !== undefined) {
      return (
        <ErrorState error={error} retry={page.refresh}>
          {error.status === 422 && <a href={path}>Go to the newest tasks</a>}
        </ErrorState>
      );
    }
    return <Skeleton lines={10} kind="row" />;
  }
  if (data.tasks.length === 0 && !stale) {
    if (filters.before !== undefined || filters.after !== undefined) {
      return (
        <EmptyState title="There are no tasks further on">
          <a class="button" href={withQuery(path, changed(filters, {}))}>
            Go to the newest
          </a>
        </EmptyState>
      );
    }
    return <NoTasks project={project} filtered={hasFilters(filters)} clear={clear} />;
  }
  return (
    <div class={stale ? 'stale' : undefined} aria-busy={stale}>
      <TaskTable project={project} tasks={data.tasks} fresh={fresh} />
      <Pager path={path} query={changed(filters, {})} newer={data.newer} older={data.older} />
    </div>
  );
}

function NoTasks({
  project,
  filtered,
  clear,
}: {
  project: string;
  filtered: boolean;
  clear: () => void;
}) {
  if (!filtered) {
    return (
      <EmptyState title="No tasks yet">
        <p class="muted">They appear here by themselves as soon as your app sends one.</p>
        <a class="button" href={projectPath(project, 'overview')}>
          How to send the first
        </a>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="No task matches these filters">
      <p class="muted">Search looks for words, and for the starts of words.</p>
      <button type="button" class="button" onClick={clear}>
        Clear all filters
      </button>
    </EmptyState>
  );
}
