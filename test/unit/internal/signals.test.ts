import { afterEach, expect, it, vi } from 'vitest';
import { onSignal } from '../../../src/internal/signals.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const count = () => process.listenerCount('SIGTERM');

it('both copies of the package share one listener, which goes with the last job', async () => {
  const before = count();
  vi.resetModules();
  const other = await import('../../../src/internal/signals.ts');
  expect(other.onSignal).not.toBe(onSignal);
  const offs = [onSignal, other.onSignal].map((on) => on(async () => {}));
  expect(count()).toBe(before + 1);
  offs[0]?.();
  expect(count()).toBe(before + 1);
  offs[1]?.();
  expect(count()).toBe(before);
});

it('runs every job, also where one fails, and leaves the end to whoever else listens', async () => {
  const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
  const app = vi.fn();
  process.once('SIGTERM', app);
  const jobs = [
    vi.fn(async () => {
      throw new Error('no');
    }),
    vi.fn(async () => {}),
  ];
  const offs = jobs.map((job) => onSignal(job));
  process.emit('SIGTERM');
  expect(app).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(jobs[1]).toHaveBeenCalledWith(true));
  expect(jobs[0]).toHaveBeenCalledWith(true);
  for (const off of offs) off();
  expect(kill).not.toHaveBeenCalled();
});
