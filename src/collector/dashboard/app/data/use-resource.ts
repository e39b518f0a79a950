import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { type ApiError, asApiError } from './api.ts';
import { remember, remembered } from './cache.ts';

export interface Resource<T> {
  data: T | undefined;
  /** Of the last try; `data` may still be there from an earlier one. */
  error: ApiError | undefined;
  busy: boolean;
  /** True where `data` belongs to another key, kept until this one's has come. */
  stale: boolean;
  /** Asks again; a call while one is under way asks once more after it. */
  refresh: () => void;
  replace: (data: T) => void;
}

interface State<T> {
  key: string;
  data: T | undefined;
  /** The key that `data` came for. */
  dataKey: string;
  error: ApiError | undefined;
  busy: boolean;
}

/** What `load` answers for `key`. Leaving or another key aborts it; a late answer is never shown. */
export function useResource<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  options: { keep?: boolean } = {},
): Resource<T> {
  const [state, setState] = useState<State<T>>(() => fresh(key));
  const latest = useRef(load);
  latest.current = load;
  const ask = useRef<() => void>(() => {});
  /** How often `replace` was called: what was asked for before is old. */
  const replaced = useRef(0);

  useEffect(() => {
    const leaving = new AbortController();
    let running = false;
    let again = false;
    const go = async (): Promise<void> => {
      if (running) {
        again = true;
        return;
      }
      running = true;
      do {
        again = false;
        setState((now) => ({
          ...(now.key === key ? now : fresh<T>(key, now, options.keep)),
          busy: true,
        }));
        const before = replaced.current;
        const next = await settle(latest.current(leaving.signal));
        if (leaving.signal.aborted) return;
        if (before !== replaced.current) {
          again = true;
          continue;
        }
        if (next.data !== undefined) remember(key, next.data);
        setState((now) => ({
          key,
          busy: false,
          error: next.error,
          ...(next.data === undefined || isSame(now, key, next.data)
            ? dataOf(now)
            : { data: next.data, dataKey: key }),
        }));
      } while (again);
      running = false;
    };
    ask.current = () => void go();
    ask.current();
    return () => leaving.abort();
  }, [key]);

  const shown = state.key === key ? state : fresh(key, state, options.keep);
  return {
    data: shown.data,
    error: shown.error,
    busy: shown.busy,
    stale: shown.data !== undefined && shown.dataKey !== key,
    refresh: useCallback(() => ask.current(), []),
    replace: useCallback(
      (data: T) => {
        remember(key, data);
        replaced.current += 1;
        setState((now) =>
          now.key === key ? { key, data, dataKey: key, error: undefined, busy: false } : now,
        );
      },
      [key],
    ),
  };
}

function fresh<T>(key: string, before?: State<T>, keep?: boolean): State<T> {
  const known = remembered<T>(key);
  const rest = { key, error: undefined, busy: true };
  if (known !== undefined || before === undefined || !keep) {
    return { ...rest, data: known, dataKey: key };
  }
  return { ...rest, ...dataOf(before) };
}

/** Then nothing is drawn anew: a chart under the pointer keeps its tooltip. */
function isSame<T>(now: State<T>, key: string, data: T): boolean {
  return now.dataKey === key && JSON.stringify(now.data) === JSON.stringify(data);
}

function dataOf<T>({ data, dataKey }: State<T>): Pick<State<T>, 'data' | 'dataKey'> {
  return { data, dataKey };
}

async function settle<T>(
  answer: Promise<T>,
): Promise<{ data: T; error: undefined } | { data: undefined; error: ApiError }> {
  try {
    return { data: await answer, error: undefined };
  } catch (error) {
    return { data: undefined, error: asApiError(error) };
  }
}
