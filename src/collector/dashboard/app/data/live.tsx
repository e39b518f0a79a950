import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { connectLive, type LiveStatus } from './live-connection.ts';

interface Live {
  status: LiveStatus;
  listeners: Set<() => void>;
}

const LiveContext = createContext<Live>({ status: 'connecting', listeners: new Set() });

export function LiveProvider({
  project,
  children,
}: {
  project: string;
  children: ComponentChildren;
}) {
  const [status, setStatus] = useState<LiveStatus>('connecting');
  const listeners = useRef(new Set<() => void>()).current;
  useEffect(() => {
    setStatus('connecting');
    return connectLive(project, setStatus, () => {
      for (const listener of listeners) listener();
    });
  }, [project]);
  const value = useMemo(() => ({ status, listeners }), [status]);
  return <LiveContext.Provider value={value}>{children}</LiveContext.Provider>;
}

export function useLiveStatus(): LiveStatus {
  return useContext(LiveContext).status;
}

/** Runs `listener` after changes, at most once in `everyMs`; the last change is never missed. */
export function useLiveChange(listener: () => void, everyMs: number): void {
  const { listeners } = useContext(LiveContext);
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => {
    let last = Number.NEGATIVE_INFINITY;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = (): void => {
      timer = undefined;
      last = performance.now();
      latest.current();
    };
    const changed = (): void => {
      if (timer !== undefined) return;
      timer = setTimeout(run, Math.max(0, last + everyMs - performance.now()));
    };
    listeners.add(changed);
    return () => {
      clearTimeout(timer);
      listeners.delete(changed);
    };
  }, [listeners, everyMs]);
}
