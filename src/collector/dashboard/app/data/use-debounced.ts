import { useEffect, useRef } from 'preact/hooks';

/** Calls `run` once, `delayMs` after the last call; a pending one is dropped when the page is left. */
export function useDebounced<T>(run: (value: T) => void, delayMs: number): (value: T) => void {
  const latest = useRef(run);
  latest.current = run;
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (value) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(value), delayMs);
  };
}
