import { setTimeout as delay } from 'node:timers/promises';
import type { PhosphoOptions, PhosphoRequestError } from 'phospho-express';
import { expect } from 'vitest';
import { expectBalanced } from '../../helpers/ledger.ts';
import { type Finishing, type Illness, type IllServer, illServer } from './ill-server.ts';
import { OUTAGE_MS, requestsIn } from './scale.ts';
import { type Watched, watch } from './watched.ts';

export interface Outage {
  /** What the server does with requests in the outage. */
  illness: Illness;
  /** What each failure must have been told of as. */
  error: abstract new (
    ...args: never[]
  ) => PhosphoRequestError;
  /** What its message must say. */
  says?: RegExp;
  durationMs?: number;
  /** Requests in the outage at most. Default: what the backoff lets through. */
  maxRequests?: number;
  options?: PhosphoOptions;
  /** Given the server before the first event is logged. */
  prepare?: (server: IllServer) => void;
}

/** Tasks logged in an outage, a second. */
const RATE = 100;

/**
 * An app logs 100 tasks a second while its server is ill. When it is well again everything must be there,
 * stored once, and both lanes must still work.
 */
export async function surviveOutage(
  context: Finishing,
  outage: Outage,
): Promise<Watched & { server: IllServer }> {
  const { illness, error, says, durationMs = OUTAGE_MS, options, prepare } = outage;
  const server = await illServer(context, illness);
  const watched = watch(context, { baseUrl: server.url, ...options });
  const { phospho, check, drops, errors } = watched;
  server.onRequest = check;
  prepare?.(server);

  const { ids, elapsedMs } = await logSteadily(watched, durationMs);
  const { attempts } = server;
  server.heal();
  expect(attempts).toBeLessThanOrEqual(outage.maxRequests ?? requestsIn(elapsedMs));

  ids.push(...(await useBothLanes(watched, server)));
  expectAllStored(server, ids);
  expectBalanced(phospho.stats());
  expect(phospho.stats().events).toMatchObject({ delivered: ids.length, deadLettered: 0 });
  expect(drops).toEqual([]);
  expect(errors.length).toBeGreaterThan(0);
  for (const failure of errors) {
    expect(failure).toBeInstanceOf(error);
    if (says) expect((failure as Error).message).toMatch(says);
  }
  return { ...watched, server };
}

/** Logs tasks for so long, and until a failure has been told of: a busy machine takes its time. */
export async function logSteadily(
  { phospho, errors }: Watched,
  durationMs: number,
): Promise<{ ids: string[]; elapsedMs: number }> {
  const ids: string[] = [];
  const start = performance.now();
  let elapsedMs = 0;
  while (elapsedMs < durationMs || errors.length === 0) {
    while (ids.length <= (elapsedMs / 1_000) * RATE) {
      const taskId = `t${ids.length}`;
      phospho.log({ input: `question ${ids.length}`, output: 'answer', taskId });
      ids.push(taskId);
    }
    await delay(10);
    elapsedMs = performance.now() - start;
  }
  return { ids, elapsedMs };
}

/** Waits for what is queued, then sends two batches that are only answered together; returns their ids. */
export async function useBothLanes(watched: Watched, server: IllServer): Promise<string[]> {
  const { phospho } = watched;
  await phospho.flush({ timeoutMs: 60_000 });
  server.expectPairs();
  const ids = Array.from({ length: 200 }, (_, index) => `lanes${index}`);
  for (const taskId of ids) phospho.log({ input: 'x', taskId });
  await phospho.flush({ timeoutMs: 60_000 });
  return ids;
}

/** Everything is stored, and nothing was stored twice. */
export function expectAllStored({ double }: IllServer, ids: readonly string[]): void {
  expect([...double.stored.keys()].sort()).toEqual([...ids].sort());
}
