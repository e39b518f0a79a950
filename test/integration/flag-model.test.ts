import fc from 'fast-check';
import { type Flag, Phospho } from 'phospho-express';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectBalanced, KEY, SILENT } from '../helpers/ledger.ts';
import { type Behaviour, PhosphoDouble } from '../helpers/phospho-double.ts';

/** Hours pass in no time: fake timers, and a phospho without a socket. What is loaded on demand is loaded before. */
beforeAll(async () => {
  await Promise.all([import('undici'), import('p-queue')]);
});

afterEach(() => {
  vi.useRealTimers();
});

const behaviour: fc.Arbitrary<Behaviour> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('ok' as const) },
  fc.constantFrom<Behaviour>('reset', 'hang', { status: 503 }, { status: 429 }),
  { weight: 2, arbitrary: fc.constant('stored, then reset' as const) },
);

type Step =
  | { do: 'flag'; task: number; flag: Flag; notes: 'a' | undefined }
  | { do: 'log'; task: number }
  | { do: 'wait'; ms: number };

/** Few tasks, so that minds are changed often, while flags are held, under way, lost and stored. */
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('flag' as const),
      task: fc.nat(2),
      flag: fc.constantFrom('success' as const, 'failure' as const),
      notes: fc.constantFrom('a' as const, undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('log' as const), task: fc.nat(2) }) },
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 300, 2_000, 50_000) }),
);

describe('whatever becomes of replies', () => {
  it("each task's last flag is the last that the server hears, and every flag is accounted for", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 15 }),
        fc.array(behaviour, { maxLength: 12 }),
        async (steps, script) => {
          vi.useFakeTimers();
          const double = new PhosphoDouble();
          double.script = [...script];
          const phospho = new Phospho({
            apiKey: KEY,
            projectId: 'p',
            logger: SILENT,
            dispatcher: double.dispatcher(),
          });
          const last = new Map<string, { flag: Flag; notes: string | undefined }>();
          let count = 0;
          for (const one of steps) {
            if (one.do === 'wait') await vi.advanceTimersByTimeAsync(one.ms);
            else if (one.do === 'log') phospho.log({ input: 'x', taskId: `t${one.task}` });
            else {
              count += 1;
              const { flag, notes } = one;
              phospho.flag(`t${one.task}`, flag, { notes });
              last.set(`t${one.task}`, { flag, notes });
            }
            expectBalanced(phospho.stats());
          }
          // Every fault of the script costs 40 s at most, and its backoff half a minute.
          await vi.advanceTimersByTimeAsync(30 * 60_000);
          const heard = new Map(
            double.flags.map(({ taskId, flag, notes }) => [taskId, { flag, notes }]),
          );
          expect([...heard].sort()).toEqual([...last].sort());
          const { flags } = phospho.stats();
          const { superseded = 0, duplicate = 0 } = flags.dropped;
          expect(flags).toMatchObject({ captured: count, held: 0, queued: 0, inFlight: 0 });
          expect(flags.delivered + superseded + duplicate).toBe(count);
          expectBalanced(await phospho.shutdown({ timeoutMs: 0 }));
          vi.useRealTimers();
        },
      ),
      { numRuns: 300 },
    );
  });
});
