import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Epochs } from '../../../src/delivery/epochs.ts';

async function isDone(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  return done;
}

describe('Epochs', () => {
  it('whoever waits, waits for what entered before, and for nothing that enters later', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.constant('enter'), fc.constant('wait'), fc.nat(20)), {
          maxLength: 60,
        }),
        async (steps) => {
          const epochs = new Epochs();
          const inside: { id: number; epoch: number }[] = [];
          const waits: { before: Set<number>; promise: Promise<void> }[] = [];
          let next = 0;
          for (const step of steps) {
            if (step === 'enter') inside.push({ id: next++, epoch: epochs.enter() });
            else if (step === 'wait') {
              const before = new Set(inside.map(({ id }) => id));
              waits.push({ before, promise: epochs.settled() });
            } else if (typeof step === 'number') {
              const [left] = inside.splice(step % Math.max(1, inside.length), 1);
              if (left) epochs.leave(left.epoch);
            }
            expect(epochs.isEmpty).toBe(inside.length === 0);
            for (const { before, promise } of waits) {
              const isExpected = !inside.some(({ id }) => before.has(id));
              expect(await isDone(promise)).toBe(isExpected);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('something may join an epoch in which something is left', async () => {
    const epochs = new Epochs();
    const epoch = epochs.enter();
    const waiting = epochs.settled();
    epochs.enter(epoch);
    epochs.leave(epoch);
    expect(await isDone(waiting)).toBe(false);
    epochs.leave(epoch);
    expect(await isDone(waiting)).toBe(true);
  });
});
