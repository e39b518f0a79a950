import fc from 'fast-check';
import { Phospho } from 'phospho-express';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectBalanced, KEY, SILENT } from '../helpers/ledger.ts';
import { type Behaviour, PhosphoDouble } from '../helpers/phospho-double.ts';

/** A day of trouble passes in no time: fake timers, and a phospho without a socket. */
beforeAll(async () => {
  await Promise.all([import('undici'), import('p-queue')]);
});

afterEach(() => {
  vi.useRealTimers();
});

const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.constantFrom<Behaviour>('ok', 'reset', 'stored, then reset', 'hang'),
  fc.constantFrom<Behaviour>(
    { status: 401 },
    { status: 404 },
    { status: 500 },
    { status: 503, headers: { 'retry-after': '7' } },
    { status: 429, headers: { 'retry-after': '1' } },
    { status: 429 },
    { status: 302, headers: { location: '/elsewhere' } },
    { status: 200, body: 'garbage' },
    { status: 200, body: '{"logged_events":[]}' },
  ),
);

type Step =
  | { do: 'log'; count: number }
  | { do: 'flag'; task: number; flag: 'success' | 'failure' }
  | { do: 'wait'; ms: number }
  | { do: 'flush' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('log' as const), count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({
    do: fc.constant('flag' as const),
    task: fc.nat(40),
    flag: fc.constantFrom('success' as const, 'failure' as const),
  }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 100, 500, 5_000) }),
  fc.constant({ do: 'flush' as const }),
);

const scenario = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
  script: fc.array(behaviour, { maxLength: 10 }),
  /** Every so-manieth task: a 400 or 413 for its batch, an error in the log, the quota. */
  poison: fc.record({
    batch: fc.integer({ min: 2, max: 30 }),
    batchStatus: fc.constantFrom(400, 413, 422),
    error: fc.integer({ min: 2, max: 30 }),
    quota: fc.integer({ min: 2, max: 30 }),
  }),
  delivery: fc.record({
    maxBatchEvents: fc.integer({ min: 1, max: 8 }),
    concurrency: fc.integer({ min: 1, max: 3 }),
    maxQueueEvents: fc.constantFrom(4, 1_000),
    lingerMs: fc.constantFrom(0, 500),
  }),
  badHooks: fc.boolean(),
});

describe('whatever the server does', () => {
  it('every task ends once: stored, refused, or dropped and told of; and the ledger holds at any instant', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ steps, script, poison, delivery, badHooks }) => {
        vi.useFakeTimers();
        const double = new PhosphoDouble();
        const every = (n: number) => (id: string) => Number(id.slice(1)) % n === n - 1;
        const [isPoison, isBad, isOverQuota] = [poison.batch, poison.error, poison.quota].map(
          every,
        );
        double.script = [...script];
        double.behave = ({ ids }) =>
          double.script.length === 0 && ids.some((id) => isPoison?.(id))
            ? { status: poison.batchStatus }
            : undefined;
        double.errorInLog = ({ task_id }) =>
          isBad?.(`${task_id}`) ? 'bad' : isOverQuota?.(`${task_id}`) ? 'quota reached' : undefined;

        const told = new Map<string, string[]>();
        const tell = (id: string, what: string) => told.set(id, [...(told.get(id) ?? []), what]);
        const after = () => {
          expectBalanced(phospho.stats());
          if (badHooks) throw new Error('a bad hook');
        };
        const problems: unknown[] = [];
        const checked = (act: () => void) => {
          try {
            act();
            expectBalanced(phospho.stats());
          } catch (error) {
            problems.push(error);
          }
          if (badHooks) after();
        };
        const phospho = new Phospho({
          apiKey: KEY,
          projectId: 'p',
          logger: SILENT,
          dispatcher: double.dispatcher(),
          delivery,
          onDrop: ({ kind, reason, taskIds }) =>
            checked(() => {
              if (kind === 'event') for (const id of taskIds) tell(id, reason);
            }),
          onAccepted: () => checked(() => {}),
          onDelivered: (id) => checked(() => tell(id, 'delivered')),
          onError: () => checked(() => {}),
        });
        double.onAsked = () => {
          try {
            expectBalanced(phospho.stats());
          } catch (error) {
            problems.push(error);
          }
        };

        const ids: string[] = [];
        const flushes: Promise<unknown>[] = [];
        let flags = 0;
        for (const one of steps) {
          if (one.do === 'log') {
            for (let n = 0; n < one.count; n++) {
              const taskId = `t${ids.length}`;
              ids.push(taskId);
              phospho.log({ input: 'question', output: 'answer', taskId });
            }
          } else if (one.do === 'flag') {
            flags += 1;
            phospho.flag(`t${one.task}`, one.flag);
          } else if (one.do === 'flush') {
            flushes.push(phospho.flush().then(expectBalanced));
          } else {
            await vi.advanceTimersByTimeAsync(one.ms);
          }
          expectBalanced(phospho.stats());
        }
        // Every fault of the script costs 60 s at most, and its backoff 5 minutes at most.
        await vi.advanceTimersByTimeAsync(50 * 60_000);
        await Promise.all(flushes);

        const { events, flags: flagLedger } = phospho.stats();
        expect(problems).toEqual([]);
        expect(events).toMatchObject({ captured: ids.length, pending: 0, queued: 0, inFlight: 0 });
        expect(flagLedger).toMatchObject({ captured: flags, held: 0, queued: 0, inFlight: 0 });
        for (const id of ids) {
          const ends = told.get(id);
          expect(ends, id).toHaveLength(1);
          const [end] = ends as [string];
          if (end === 'delivered') expect(double.stored.has(id), id).toBe(true);
          if (end === 'refused') expect(isPoison?.(id) || isBad?.(id), id).toBe(true);
          if (end === 'quota') expect(isOverQuota?.(id), id).toBe(true);
          if (delivery.maxQueueEvents === 1_000) expect(end, id).not.toBe('queue_full');
          expect(end).not.toBe('expired');
        }
        expect(events.delivered).toBe(
          [...told.values()].flat().filter((x) => x === 'delivered').length,
        );
        const storedTwice = [...double.storings.values()].some((count) => count > 1);
        if (!script.includes('stored, then reset')) expect(storedTwice).toBe(false);
        for (const batch of double.batches) {
          expect(batch.length).toBeLessThanOrEqual(delivery.maxBatchEvents);
          expect(new Set(batch).size).toBe(batch.length);
        }
        const done = phospho.shutdown();
        await vi.advanceTimersByTimeAsync(10_000);
        expectBalanced(await done);
        vi.useRealTimers();
      }),
      { numRuns: 150, interruptAfterTimeLimit: 12_000 },
    );
  }, 30_000);

  it('a shutdown in the middle of anything leaves nothing uncounted', async () => {
    await fc.assert(
      fc.asyncProperty(
        scenario,
        fc.constantFrom(0, 1, 600, 5_000),
        async ({ steps, script, delivery }, timeoutMs) => {
          vi.useFakeTimers();
          const double = new PhosphoDouble();
          double.script = [...script];
          const phospho = new Phospho({
            apiKey: KEY,
            projectId: 'p',
            logger: SILENT,
            dispatcher: double.dispatcher(),
            delivery,
          });
          let logged = 0;
          for (const one of steps) {
            if (one.do === 'log') {
              for (let n = 0; n < one.count; n++)
                phospho.log({ input: 'x', taskId: `t${logged++}` });
            } else if (one.do === 'flag') phospho.flag(`t${one.task}`, one.flag);
            else if (one.do === 'wait') await vi.advanceTimersByTimeAsync(one.ms);
          }
          const done = phospho.shutdown({ timeoutMs });
          phospho.log({ input: 'late', taskId: 'late' });
          await vi.advanceTimersByTimeAsync(timeoutMs + 2_000);
          const ledger = await done;
          expectBalanced(ledger);
          expect(ledger.events).toMatchObject({ captured: logged + 1, pending: 0, queued: 0 });
          expect(ledger.events.inFlight).toBe(0);
          expect(ledger.flags).toMatchObject({ held: 0, queued: 0, inFlight: 0 });
          vi.useRealTimers();
        },
      ),
      { numRuns: 80, interruptAfterTimeLimit: 6_000 },
    );
  }, 20_000);
});

describe('an outage of half a minute', () => {
  it.each([
    ['503', { status: 503 }],
    ['reset', 'reset'],
    ['hang', 'hang'],
    ['429', { status: 429, headers: { 'retry-after': '5' } }],
  ] as const)('of kind %s costs no event, and the server few requests', async (_, trouble) => {
    vi.useFakeTimers();
    const double = new PhosphoDouble();
    let isDown = true;
    double.behave = () => (isDown ? trouble : undefined);
    const phospho = new Phospho({
      apiKey: KEY,
      projectId: 'p',
      logger: SILENT,
      dispatcher: double.dispatcher(),
    });
    for (let second = 0; second < 15; second++) {
      for (let n = 0; n < 100; n++) phospho.log({ input: 'x', taskId: `t${second}-${n}` });
      await vi.advanceTimersByTimeAsync(1_000);
    }
    expect(double.asked.length).toBeLessThanOrEqual(10);
    isDown = false;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(phospho.stats().events).toMatchObject({
      captured: 1_500,
      delivered: 1_500,
      dropped: {},
    });
    expect(double.stored.size).toBe(1_500);
    const done = phospho.shutdown();
    await vi.advanceTimersByTimeAsync(1_000);
    await done;
  });

  it('is survived for an hour; older events are dropped as expired, and told of', async () => {
    vi.useFakeTimers();
    const double = new PhosphoDouble();
    double.behave = () => ({ status: 503 });
    const expired: string[] = [];
    const phospho = new Phospho({
      apiKey: KEY,
      projectId: 'p',
      logger: SILENT,
      dispatcher: double.dispatcher(),
      onDrop: ({ reason, taskIds }) => {
        if (reason === 'expired') expired.push(...taskIds);
      },
    });
    phospho.log({ input: 'x', taskId: 'old' });
    await vi.advanceTimersByTimeAsync(50 * 60_000);
    phospho.log({ input: 'x', taskId: 'young' });
    await vi.advanceTimersByTimeAsync(11 * 60_000);
    expect(expired).toEqual(['old']);
    double.behave = () => undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    expect([...double.stored.keys()]).toEqual(['young']);
    const done = phospho.shutdown();
    await vi.advanceTimersByTimeAsync(1_000);
    expectBalanced(await done);
  });
});
