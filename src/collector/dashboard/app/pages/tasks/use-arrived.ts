import { useEffect, useRef, useState } from 'preact/hooks';
import type { TaskPage } from '../../../wire.ts';
import { getJson } from '../../data/api.ts';
import { useLiveChange } from '../../data/live.tsx';
import { type TaskFilters, tasksUrl } from '../../data/task-query.ts';

const CHECK_MS = 3000;

/** On an older page: whether the list has another newest task than when this page was opened. */
export function useArrived(api: string, filters: TaskFilters, active: boolean): boolean {
  const [arrived, setArrived] = useState(false);
  const first = useRef<string | null | undefined>(undefined);
  const { before: _before, after: _after, ...rest } = filters;
  const list = JSON.stringify(rest);

  const check = async (signal?: AbortSignal): Promise<void> => {
    if (!active) return;
    try {
      const { tasks } = await getJson<TaskPage>(tasksUrl(api, rest, 1), signal);
      const newest = tasks[0]?.id ?? null;
      if (first.current === undefined) first.current = newest;
      else if (newest !== first.current) setArrived(true);
    } catch {
      // The page itself says so when the collector does not answer.
    }
  };
  useEffect(() => {
    const leaving = new AbortController();
    first.current = undefined;
    setArrived(false);
    void check(leaving.signal);
    return () => leaving.abort();
  }, [api, list, active]);
  useLiveChange(() => void check(), CHECK_MS);
  return active && arrived;
}
