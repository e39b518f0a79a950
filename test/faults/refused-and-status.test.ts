import { PhosphoClientError, PhosphoConnectionError, PhosphoServerError } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { answering, type Finishing, illServer } from './helpers/ill-server.ts';
import { expectAllStored, logSteadily, surviveOutage, useBothLanes } from './helpers/outage.ts';
import { isFull, OUTAGE_MS, requestsIn, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

/** Nobody listens for so long, after `first` have arrived. */
async function surviveAbsence(context: Finishing, awayMs: number, first: string[]): Promise<void> {
  const server = await illServer(context);
  const roomy = { maxQueueEvents: 100_000, maxQueueBytes: 256 * 1024 * 1024 };
  const watched = watch(context, { baseUrl: server.url, delivery: roomy });
  const { phospho, errors, drops } = watched;
  for (const taskId of first) phospho.log({ input: 'before', taskId });
  await phospho.flush();
  await server.stop();
  const { ids, elapsedMs } = await logSteadily(watched, awayMs);
  expect(errors.length).toBeLessThanOrEqual(requestsIn(elapsedMs));
  await server.listen();
  ids.push(...first, ...(await useBothLanes(watched, server)));
  expectAllStored(server, ids);
  expect(Math.max(...server.double.storings.values())).toBe(1);
  expect(drops).toEqual([]);
  for (const error of errors) expect(error).toBeInstanceOf(PhosphoConnectionError);
}

describe.concurrent('a server that is away', () => {
  it('from the start costs nothing, and is asked ever more rarely', { timeout: TEST_MS }, (t) =>
    surviveAbsence(t, OUTAGE_MS, []),
  );

  it('after a while costs nothing, and is asked ever more rarely', { timeout: TEST_MS }, (t) =>
    surviveAbsence(t, OUTAGE_MS, ['b0', 'b1', 'b2']),
  );

  it.runIf(isFull)('for five minutes costs nothing either', { timeout: 400_000 }, (t) =>
    surviveAbsence(t, 300_000, []),
  );
});

describe.concurrent('an outage in which every answer is', () => {
  it.for([500, 502, 503, 504, 507])(
    'a %i costs nothing, and sees at most ten requests',
    { timeout: TEST_MS },
    async (status, t) => {
      const { server, errors } = await surviveOutage(t, {
        illness: answering(status),
        error: PhosphoServerError,
        says: new RegExp(`^POST /log/p: ${status}\\b`),
      });
      expect(server.askedAt.length).toBeLessThanOrEqual(10);
      expect(errors).toHaveLength(server.askedAt.length);
    },
  );

  it.for([408, 425, 429])(
    'a %i costs nothing: it is about the moment, not about the events',
    { timeout: TEST_MS },
    async (status, t) => {
      await surviveOutage(t, { illness: answering(status), error: PhosphoClientError });
    },
  );

  it('a 503 on which the connection is closed costs nothing', { timeout: TEST_MS }, async (t) => {
    const illness = answering(503, { connection: 'close' });
    await surviveOutage(t, { illness, error: PhosphoServerError });
  });
});
