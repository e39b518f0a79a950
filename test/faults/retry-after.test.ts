import { PhosphoClientError } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { answering, type Finishing, illServer } from './helpers/ill-server.ts';
import { expectAllStored, surviveOutage } from './helpers/outage.ts';
import { OUTAGE_MS, scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const PAUSE_S = scaled(2, 5);

/** A single task, since two could leave side by side. Milliseconds between the answer to the first request and the next one. */
async function pauseAfter(t: Finishing, retryAfter: () => string) {
  const server = await illServer(t);
  const at: number[] = [];
  server.onRequest = () => void at.push(performance.now());
  server.double.script = [{ status: 429, headers: { 'retry-after': retryAfter() } }];
  const { phospho, errors, drops } = watch(t, { baseUrl: server.url });
  phospho.log({ input: 'x', taskId: 'a' });
  await phospho.flush({ timeoutMs: 60_000 });
  expectAllStored(server, ['a']);
  expect(errors).toEqual([expect.any(PhosphoClientError)]);
  expect(drops).toEqual([]);
  expect(at).toHaveLength(2);
  return (at[1] ?? Number.NaN) - (at[0] ?? Number.NaN);
}

describe.concurrent('a 429 whose Retry-After', { timeout: TEST_MS }, () => {
  it('is in seconds is kept to: nothing comes before its time', async (t) => {
    expect(await pauseAfter(t, () => `${PAUSE_S}`)).toBeGreaterThanOrEqual(PAUSE_S * 1_000);
  });

  it('is an HTTP date is kept to, which knows whole seconds only', async (t) => {
    const date = () => new Date(Date.now() + PAUSE_S * 1_000).toUTCString();
    expect(await pauseAfter(t, date)).toBeGreaterThanOrEqual(PAUSE_S * 1_000 - 1_050);
  });

  it.for(['0', 'Thu, 01 Jan 1970 00:00:00 GMT', '0.001'])(
    'is %s, which is over already, is a pause of a second at least',
    async (text, t) => {
      const pause = await pauseAfter(t, () => text);
      expect(pause).toBeGreaterThanOrEqual(999);
    },
  );

  it.for(['soon', '-5', '1e3', '', 'NaN', '5; 6', 'Infinity'])(
    'is garbage (%s) is as if there were none',
    async (text, t) => {
      // The first backoff is half a second at most; a busy machine adds to it.
      expect(await pauseAfter(t, () => text)).toBeLessThan(5_000);
    },
  );

  it.for(['1000000000', '99999999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT'])(
    'is %s silences us, fires no timer early, and does not hold up a shutdown',
    async (text, t) => {
      const server = await illServer(t, answering(429, { 'retry-after': text }));
      const { phospho, drops } = watch(t, { baseUrl: server.url });
      phospho.log({ input: 'x', taskId: 'a' });
      await phospho.flush({ timeoutMs: OUTAGE_MS });
      expect(server.askedAt).toHaveLength(1);
      const start = performance.now();
      const { events } = await phospho.shutdown({ timeoutMs: 60_000 });
      expect(performance.now() - start).toBeLessThan(5_000);
      // The shutdown tries once more, whatever was asked for.
      expect(server.askedAt).toHaveLength(2);
      expect(events).toMatchObject({ captured: 1, dropped: { shutdown: 1 } });
      expect(drops).toMatchObject([{ reason: 'shutdown', count: 1 }]);
    },
  );
});

describe.concurrent('a server that answers 429 with Retry-After to everything', () => {
  it('is asked once a pause, and gets it all in the end', { timeout: TEST_MS }, async (t) => {
    const outageMs = PAUSE_S * 1_000 * 2.5;
    await surviveOutage(t, {
      illness: answering(429, { 'retry-after': `${PAUSE_S}` }),
      error: PhosphoClientError,
      durationMs: outageMs,
      maxRequests: 2 + 2,
    });
  });

  it('and whose pause grows is asked no earlier for it', { timeout: TEST_MS }, async (t) => {
    let pause = 0;
    const server = await illServer(t, (request, response) => {
      pause += 1;
      answering(429, { 'retry-after': `${pause}` })(request, response);
    });
    const { phospho } = watch(t, { baseUrl: server.url });
    phospho.log({ input: 'x', taskId: 'a' });
    await phospho.flush({ timeoutMs: 3_700 });
    server.heal();
    const [first = 0, second = 0, third = 0] = server.askedAt;
    expect(second - first).toBeGreaterThanOrEqual(1_000);
    expect(third - second).toBeGreaterThanOrEqual(2_000);
    await phospho.flush({ timeoutMs: 60_000 });
    expectAllStored(server, ['a']);
  });
});
