import type { Server, ServerResponse } from 'node:http';

/** What an answer may take to be read: so long in any case, and longer by its size. */
export interface ReadingTimes {
  graceMs: number;
  leastBytesPerSecond: number;
  lookMs: number;
}

const TIMES: ReadingTimes = { graceMs: 60_000, leastBytesPerSecond: 64 * 1024, lookMs: 5_000 };

/**
 * Hangs up on who does not read an answer: until then all of it is held in memory. It counts from when the
 * answer is complete on our side, and what the system has taken over counts as read.
 */
export function endSlowReaders(
  server: Server,
  { graceMs, leastBytesPerSecond, lookMs }: ReadingTimes = TIMES,
): void {
  const open = new Set<ServerResponse>();
  const deadlines = new WeakMap<ServerResponse, number>();
  server.on('request', (_req, res: ServerResponse) => {
    open.add(res);
    res.once('close', () => open.delete(res));
  });
  const look = () => {
    const now = performance.now();
    for (const res of open) {
      if (!res.writableEnded || res.writableFinished) continue;
      const deadline = deadlines.get(res);
      if (deadline === undefined) {
        const bySize = (res.writableLength / leastBytesPerSecond) * 1000;
        deadlines.set(res, now + graceMs + bySize);
      } else if (now > deadline) res.destroy();
    }
  };
  const timer = setInterval(look, lookMs);
  timer.unref();
  server.once('close', () => clearInterval(timer));
}
