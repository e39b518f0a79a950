import { useEffect, useRef } from 'preact/hooks';

/** Calls `run` once, `delayMs` after the last call, if nothing cancels it or leaves the page before. */
export function useDebounced<T>(
  run: (value: T) => void,
  delayMs: number,
): { call: (value: T) => void; cancel: () => void } {
  const latest = useRef(run);
  latest.current = run;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const cancel = (): void => clearTimeout(timer.current);
  useEffect(() => cancel, []);
  const call = (value: T): void => {
    cancel();
    timer.current = setTimeout(() => latest.current(value), delayMs);
  };
  return { call, cancel };
}
