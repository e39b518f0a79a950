import { setTimeout as delay } from 'node:timers/promises';
import type { Flag, PhosphoRequestError } from 'phospho-express';
import { expect } from 'vitest';
import { expectBalanced } from '../../helpers/ledger.ts';
import { type Finishing, type Illness, type IllServer, illServer } from './ill-server.ts';
import { OUTAGE_MS, requestsIn } from './scale.ts';
import { type Watched, watch } from './watched.ts';

export interface FlagOutage {
  /** What the server does with requests in the outage. */
  illness: Illness;
  /** What each failure must have been told of as. */
  error: abstract new (
    ...args: never[]
  ) => PhosphoRequestError;
  durationMs?: number;
  /** Requests in the outage at most. Default: what the backoff lets through. */
  maxRequests?: number;
}

/** Flags given in an outage, a second. */
const RATE = 50;

/** A server that has ten tasks, and the last word on each task that was flagged. */
export async function withTasks(
  context: Finishing,
): Promise<Watched & { server: IllServer; ids: string[] }> {
  const server = await illServer(context);
  const watched = watch(context, { baseUrl: server.url });
  server.onRequest = watched.check;
  const ids = Array.from({ length: 10 }, (_, index) => `t${index}`);
  for (const taskId of ids) watched.phospho.log({ input: 'x', taskId });
  await watched.phospho.flush();
  return { ...watched, server, ids };
}

/**
 * Users flag tasks, some of them again and again, while the server is ill. When it is well again the last word on
 * each task must be there.
 */
export async function surviveFlagOutage(
  context: Finishing,
  outage: FlagOutage,
): Promise<Watched & { server: IllServer; given: ReadonlyMap<string, Flag> }> {
  const { illness, error, durationMs = OUTAGE_MS } = outage;
  const tasks = await withTasks(context);
  const { server, errors } = tasks;
  server.infect(illness);
  const { given, elapsedMs } = await flagSteadily(tasks, durationMs);
  const { attempts } = server;
  server.heal();
  expect(attempts).toBeLessThanOrEqual(outage.maxRequests ?? requestsIn(elapsedMs));
  await expectLastWords(tasks, server, given);
  expect(errors.length).toBeGreaterThan(0);
  for (const failure of errors) expect(failure).toBeInstanceOf(error);
  return { ...tasks, given };
}

/** Flags for so long, and until a failure has been told of; returns the last flag of each task. */
export async function flagSteadily(
  { phospho, errors, ids }: Watched & { ids: readonly string[] },
  durationMs: number,
): Promise<{ given: Map<string, Flag>; elapsedMs: number }> {
  const given = new Map<string, Flag>();
  const start = performance.now();
  let elapsedMs = 0;
  let count = 0;
  while (elapsedMs < durationMs || errors.length === 0) {
    for (; count <= (elapsedMs / 1_000) * RATE; count++) {
      // Every third is of a task that another replica has recorded.
      const taskId = count % 3 === 0 ? `elsewhere${count}` : (ids[count % ids.length] ?? '');
      const flag = count % 7 < 4 ? 'success' : 'failure';
      phospho.flag(taskId, flag);
      given.set(taskId, flag);
    }
    await delay(10);
    elapsedMs = performance.now() - start;
  }
  return { given, elapsedMs };
}

/** Waits for what is queued: each task's last flag has arrived last, and the others are accounted for. */
export async function expectLastWords(
  { phospho, drops }: Watched,
  server: IllServer,
  given: ReadonlyMap<string, Flag>,
): Promise<void> {
  const ledger = await phospho.flush({ timeoutMs: 60_000 });
  expectBalanced(ledger);
  const arrived = new Map(server.double.flags.map(({ taskId, flag }) => [taskId, flag]));
  expect([...arrived].sort()).toEqual([...given].sort());
  const { held, queued, inFlight, deadLettered, captured, delivered, dropped } = ledger.flags;
  expect({ held, queued, inFlight, deadLettered }).toEqual({
    held: 0,
    queued: 0,
    inFlight: 0,
    deadLettered: 0,
  });
  const { superseded = 0, duplicate = 0, ...lost } = dropped;
  expect(lost).toEqual({});
  expect(captured).toBe(delivered + superseded + duplicate);
  expect(drops).toEqual([]);
}
