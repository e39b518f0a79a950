import { expect, it, vi } from 'vitest';
import { onBeforeExit } from '../../../src/internal/exit.ts';

it('however many ask for it, the process gets one listener, and each is called until it takes itself out', () => {
  const before = process.listeners('beforeExit');
  const jobs = Array.from({ length: 20 }, () => vi.fn());
  const offs = jobs.map((job) => onBeforeExit(job));
  const ours = process.listeners('beforeExit').filter((one) => !before.includes(one));
  expect(ours).toHaveLength(1);
  const run = () => ours[0]?.(0);
  run();
  run();
  offs[0]?.();
  run();
  expect(jobs[0]).toHaveBeenCalledTimes(2);
  expect(jobs[19]).toHaveBeenCalledTimes(3);
  for (const off of offs) off();
});
