import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WaitUntil } from '../../../src/delivery/wait-until.ts';
import { GuardedLogger } from '../../../src/internal/logger.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('a promise takes no longer than its time, also behind a flush that takes all of its own', async () => {
  const took: number[] = [];
  const started = performance.now();
  const waitUntil = new WaitUntil({
    hook: (promise) => {
      const announced = performance.now();
      promise.then(() => took.push(performance.now() - announced));
    },
    flush: (timeoutMs) => new Promise((resolve) => setTimeout(resolve, timeoutMs)),
    logger: new GuardedLogger(console, 'silent'),
    timeoutMs: 30_000,
  });
  waitUntil.announce();
  await vi.advanceTimersByTimeAsync(20_000);
  waitUntil.announce();
  waitUntil.announce();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(took).toEqual([30_000, 30_000]);
  expect(performance.now() - started).toBe(80_000);
});
