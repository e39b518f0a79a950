import type { LogEvent } from 'phospho-express';
import { PhosphoClientError, PhosphoServerError } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { type Finishing, type IllServer, illServer } from './helpers/ill-server.ts';
import { scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { type Watched, watch } from './helpers/watched.ts';

expectNothingUncaught();

/** One full batch that leaves as one; returns its ids. */
async function logBatch({ phospho }: Watched, server: IllServer, size: number): Promise<string[]> {
  const ids = Array.from({ length: size }, (_, index) => `t${index}`);
  for (const taskId of ids) phospho.log({ input: `question ${taskId}`, taskId });
  await server.double.arrived(1);
  return ids;
}

/** A server that refuses requests with certain events, and a Phospho whose first batch waits until it is full. */
async function refusing(t: Finishing, status: number, bad: ReadonlySet<string>, size = 100) {
  const server = await illServer(t);
  server.double.behave = ({ ids }) => (ids.some((id) => bad.has(id)) ? { status } : undefined);
  const delivery = { maxBatchEvents: size, lingerMs: 60_000 };
  const watched = watch(t, { baseUrl: server.url, delivery });
  server.onRequest = watched.check;
  return { server, watched };
}

/** Those that are bad are dead-lettered once each; the others are stored, once each. */
function expectOnly(bad: ReadonlySet<string>, ids: string[], server: IllServer, watched: Watched) {
  const good = ids.filter((id) => !bad.has(id));
  expect([...server.double.stored.keys()].sort()).toEqual(good.sort());
  expect(Math.max(...server.double.storings.values())).toBe(1);
  expect(watched.drops.map(({ reason, count }) => [reason, count])).toEqual(
    [...bad].map(() => ['refused', 1]),
  );
  expect(watched.drops.flatMap(({ taskIds }) => taskIds).sort()).toEqual([...bad].sort());
  expect(watched.phospho.stats().events).toMatchObject({
    delivered: good.length,
    deadLettered: bad.size,
    dropped: {},
  });
}

describe.concurrent('a bad event', { timeout: TEST_MS }, () => {
  const cases = [400, 422].flatMap((status) =>
    [
      [100, 0],
      [100, 50],
      [100, 99],
      [1_000, 617],
    ].map(([size = 0, at = 0]) => ({ status, size, at })),
  );

  it.for(cases)(
    'at $at of $size that is refused by $status is found in 2·log2(n)+2 requests, and costs no other',
    async ({ status, size, at }, t) => {
      const bad = new Set([`t${at}`]);
      const { server, watched } = await refusing(t, status, bad, size);
      const ids = await logBatch(watched, server, size);
      await watched.phospho.flush({ timeoutMs: 60_000 });
      expectOnly(bad, ids, server, watched);
      expect(server.double.batches.length).toBeLessThanOrEqual(2 * Math.log2(size) + 2);
      // Nothing is wrong with the server, so it is no fault to tell of.
      expect(watched.errors).toEqual([]);
    },
  );

  it('among others of its kind: ten scattered ones cost themselves alone', async (t) => {
    const bad = new Set(Array.from({ length: 10 }, (_, index) => `t${index * 9 + 3}`));
    const { server, watched } = await refusing(t, 422, bad);
    const ids = await logBatch(watched, server, 100);
    await watched.phospho.flush({ timeoutMs: 60_000 });
    expectOnly(bad, ids, server, watched);
    expect(server.double.batches.length).toBeLessThanOrEqual(10 * (2 * Math.log2(100) + 2));
  });

  it('while the server stumbles as well: a 503 between is no refusal', async (t) => {
    const bad = new Set(['t11', 't77']);
    const { server, watched } = await refusing(t, 422, bad);
    const { behave } = server.double;
    server.double.behave = (asked) =>
      server.double.asked.length % 5 === 0 ? { status: 503 } : behave(asked);
    const ids = await logBatch(watched, server, 100);
    await watched.phospho.flush({ timeoutMs: 60_000 });
    expectOnly(bad, ids, server, watched);
    for (const error of watched.errors) expect(error).toBeInstanceOf(PhosphoServerError);
    expect(watched.errors.length).toBeGreaterThan(0);
  });

  it('of a server that refuses all: three are given up at most before it is left in peace', async (t) => {
    const ids = Array.from({ length: 100 }, (_, index) => `t${index}`);
    const { server, watched } = await refusing(t, 400, new Set(ids));
    await logBatch(watched, server, 100);
    await watched.phospho.flush({ timeoutMs: 1_000 });
    expect(server.double.batches.length).toBeLessThan(20);
    expect(watched.phospho.stats().events.deadLettered).toBeLessThanOrEqual(8);
    for (const error of watched.errors) expect(error).toBeInstanceOf(PhosphoClientError);
  });
});

const LIMIT = 3_072;

describe.concurrent('a server that answers 413 above 3 KB', { timeout: TEST_MS }, () => {
  it('gets all of it: batches shrink and stay small, large events come shortened', async (t) => {
    const count = scaled(100, 1_000);
    const server = await illServer(t);
    const isTooLarge = ({ body }: { body: string }) => Buffer.byteLength(body) > LIMIT;
    server.double.behave = (asked) => (isTooLarge(asked) ? { status: 413 } : undefined);
    const watched = watch(t, { baseUrl: server.url });
    server.onRequest = watched.check;
    const { phospho } = watched;
    const large: string[] = [];
    const all: string[] = [];
    /** Requests that were refused, and had more than the one event that is too large by itself. */
    const refusedOf = async (round: string) => {
      const { asked } = server.double;
      const before = asked.length;
      for (let index = 0; index < count; index++) {
        const taskId = `${round}${index}`;
        const isLarge = index % 4 === 0;
        (isLarge ? large : []).push(taskId);
        all.push(taskId);
        phospho.log({ input: 'word '.repeat(isLarge ? 950 : 150), output: 'answer', taskId });
      }
      await phospho.flush({ timeoutMs: 60_000 });
      return asked.slice(before).filter((one) => isTooLarge(one) && one.ids.length > 1).length;
    };
    // What is under way when the first refusal comes has to be halved down to the limit.
    expect(await refusedOf('first')).toBeLessThanOrEqual(count);
    // Afterwards larger ones are tried now and then, in case the server takes more.
    expect(await refusedOf('second')).toBeLessThanOrEqual(count / 10);
    const { stored, storings } = server.double;
    expect([...stored.keys()].sort()).toEqual(all.sort());
    expect(Math.max(...storings.values())).toBe(1);
    for (const [id, event] of stored) expect(isShortened(event)).toBe(large.includes(id));
    expect(watched.drops).toEqual([]);
    expect(watched.errors).toEqual([]);
  });

  it('costs an event that cannot be short enough, and none of the others', async (t) => {
    const server = await illServer(t);
    server.double.behave = ({ ids }) => (ids.includes('t5') ? { status: 413 } : undefined);
    const watched = watch(t, { baseUrl: server.url });
    const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);
    for (const taskId of ids) watched.phospho.log({ input: 'word '.repeat(50_000), taskId });
    await watched.phospho.flush({ timeoutMs: 60_000 });
    expectOnly(new Set(['t5']), ids, server, watched);
  });
});

function isShortened({ input, metadata }: LogEvent): boolean {
  return metadata?.raw_left_out === true || `${input}`.includes('characters left out');
}
