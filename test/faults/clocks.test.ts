import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PhosphoServerError } from 'phospho-express';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { answering, illServer } from './helpers/ill-server.ts';
import { expectAllStored, surviveOutage } from './helpers/outage.ts';
import { OUTAGE_MS, requestsIn, scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const HOUR = 3_600_000;
const DAY_AND_MORE: [string, number][] = [
  ['25 hours ahead', 25 * HOUR],
  ['25 hours back', -25 * HOUR],
];
const AN_HOUR: [string, number][] = [
  ['an hour ahead', HOUR],
  ['an hour back', -HOUR],
];
const JUMPS: readonly (readonly [string, number])[] = scaled(DAY_AND_MORE, [
  ...DAY_AND_MORE,
  ...AN_HOUR,
]);

afterEach(() => vi.restoreAllMocks());

/** From now on the wall clock is off by so much. Timers and the monotonic clock go on. */
function jump(byMs: number): void {
  const real = Date.now;
  vi.spyOn(Date, 'now').mockImplementation(() => real() + byMs);
}

describe('a wall clock that jumps', { timeout: TEST_MS }, () => {
  it.for(JUMPS)('%s in an outage makes no burst, and lets nothing expire', async ([, byMs], t) => {
    setTimeout(() => jump(byMs), scaled(400, 5_000));
    await surviveOutage(t, {
      illness: answering(503),
      error: PhosphoServerError,
      durationMs: scaled(900, 15_000),
    });
  });

  it.for(JUMPS)('%s lets nothing expire that waits on disk', async ([, byMs], t) => {
    const dir = await mkdtemp(join(tmpdir(), 'phospho-clock-'));
    t.onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const server = await illServer(t, answering(503));
    const { phospho, drops } = watch(t, {
      baseUrl: server.url,
      spool: { dir },
      delivery: { maxQueueEvents: 10 },
    });
    const ids = Array.from({ length: 100 }, (_, index) => `t${index}`);
    for (const taskId of ids) phospho.log({ input: 'x', taskId });
    await phospho.flush({ timeoutMs: 300 });
    expect(phospho.stats().events.spooled).toBeGreaterThan(0);
    jump(byMs);
    server.heal();
    const { events } = await phospho.flush({ timeoutMs: 15_000 });
    expect(drops).toEqual([]);
    expect(events).toMatchObject({ delivered: 100, dropped: {} });
    expectAllStored(server, ids);
  });
});

describe('what waits on disk for too long', { timeout: TEST_MS }, () => {
  it('expires to the last event, and a flush does not wait for it', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'phospho-clock-'));
    t.onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const server = await illServer(t, answering(503));
    const { phospho, drops } = watch(t, {
      baseUrl: server.url,
      spool: { dir, maxAgeMs: 1_000 },
      delivery: { maxQueueEvents: 10 },
    });
    for (let n = 0; n < 100; n++) phospho.log({ input: 'x', taskId: `t${n}` });
    await phospho.flush({ timeoutMs: 1_500 });
    server.heal();
    const start = performance.now();
    const { events } = await phospho.flush({ timeoutMs: 15_000 });
    expect(performance.now() - start).toBeLessThan(10_000);
    expect(events).toMatchObject({ queued: 0, inFlight: 0, spooled: 0 });
    expect(events.delivered + (events.dropped.expired ?? 0)).toBe(100);
    expect(events.dropped.expired).toBe(drops.reduce((sum, { count }) => sum + count, 0));
    // One batch was under way when its time was up.
    expect(events.dropped.expired).toBeGreaterThan(50);
  });
});

describe('an event loop that stalls', { timeout: TEST_MS }, () => {
  const STALL_MS = scaled(1_500, 3_000);
  const stall = () => {
    const until = performance.now() + STALL_MS;
    while (performance.now() < until);
  };

  it('in an outage catches up by one probe, not by all that it has missed', async (t) => {
    const server = await illServer(t, answering(503));
    const { phospho, errors, drops } = watch(t, { baseUrl: server.url });
    const ids = Array.from({ length: 500 }, (_, index) => `t${index}`);
    for (const taskId of ids) phospho.log({ input: 'x', taskId });
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0), { timeout: 10_000 });
    const start = performance.now();
    const before = server.attempts;
    for (let round = 0; round < 2; round++) {
      stall();
      await delay(50);
    }
    await delay(OUTAGE_MS / 3);
    expect(server.attempts - before).toBeLessThanOrEqual(requestsIn(performance.now() - start));
    server.heal();
    await phospho.flush({ timeoutMs: 60_000 });
    expectAllStored(server, ids);
    expect(drops).toEqual([]);
  });

  it('while requests are under way takes none of them for late', async (t) => {
    const server = await illServer(t);
    const { phospho, errors, drops } = watch(t, { baseUrl: server.url });
    const ids = Array.from({ length: 500 }, (_, index) => `t${index}`);
    for (const taskId of ids) phospho.log({ input: 'x', taskId });
    await server.double.arrived(1);
    stall();
    await phospho.flush({ timeoutMs: 60_000 });
    expectAllStored(server, ids);
    expect(Math.max(...server.double.storings.values())).toBe(1);
    expect({ errors, drops }).toEqual({ errors: [], drops: [] });
  });
});
