import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DayCounts } from '../../../../src/collector/limits/day-count.ts';

const LIMIT = 100;

test('whatever requests and looks at the database come between one another, one process does not pass the limit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 3, maxLength: 12 }),
      async (scheduler, batches) => {
        let stored = 0;
        const days = new DayCounts(() => scheduler.schedule(Promise.resolve(stored)));
        const send = async (events: number): Promise<void> => {
          await scheduler.schedule(Promise.resolve());
          const taken = await days.take('demo', events, LIMIT);
          if (taken === undefined) return;
          await scheduler.schedule(Promise.resolve());
          stored += events;
          await scheduler.schedule(Promise.resolve());
          taken.over();
        };
        await scheduler.waitFor(Promise.all(batches.map(send)));
        expect(stored).toBeLessThanOrEqual(LIMIT);
      },
    ),
    { numRuns: 2000 },
  );
});

test('what was given back is not counted, though another request looks meanwhile', async () => {
  let answer = (_stored: number): void => {};
  const days = new DayCounts(() => new Promise((resolve) => (answer = resolve)));
  const first = days.take('demo', 60, LIMIT);
  answer(0);
  const taken = await first;
  const other = days.take('demo', 60, LIMIT);
  taken?.giveBack();
  answer(0);
  expect(await other).toBeDefined();
});
