import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../../src/delivery/event-queue.ts';
import type { EndingEvent, WaitingEvent } from '../../../src/delivery/waiting.ts';

const event = (taskId: string, bytes = 10, settledAt = 0): WaitingEvent => ({
  taskId,
  json: '{}',
  bytes,
  settledAt,
  epoch: 0,
  expiresAt: settledAt + 3_600_000,
});
const ids = (events: readonly EndingEvent[]) => events.map(({ taskId }) => taskId);
const batch = { maxEvents: 3, maxBytes: 100, lingerMs: 500 };

describe('EventQueue', () => {
  it('gives batches in order, bounded by count and bytes; a larger event goes alone', () => {
    const queue = new EventQueue({ maxEvents: 100, maxBytes: 10_000 }, batch);
    for (const [index, bytes] of [60, 40, 1, 500, 1, 1, 1, 1].entries()) {
      queue.push(event(`${index}`, bytes));
    }
    const batches = [];
    for (let next = queue.take(); next.length > 0; next = queue.take()) batches.push(ids(next));
    expect(batches).toEqual([['0', '1'], ['2'], ['3'], ['4', '5', '6'], ['7']]);
  });

  it('never has one id twice in a batch', () => {
    const queue = new EventQueue({ maxEvents: 100, maxBytes: 10_000 }, batch);
    for (const id of ['a', 'b', 'a', 'b']) queue.push(event(id));
    expect(ids(queue.take())).toEqual(['a', 'b']);
    expect(ids(queue.take())).toEqual(['a', 'b']);
  });

  it('keeps the newest event even if it alone is too large for the queue', () => {
    const queue = new EventQueue({ maxEvents: 100, maxBytes: 50 }, batch);
    queue.push(event('small'));
    expect(ids(queue.push(event('huge', 1_000)))).toEqual(['small']);
    expect(ids(queue.push(event('next')))).toEqual(['huge']);
    expect(queue.bytes).toBe(10);
  });

  it('says when a batch is due: full, or old enough, or returned', () => {
    const queue = new EventQueue({ maxEvents: 100, maxBytes: 10_000 }, batch);
    expect(queue.dueInMs(1_000)).toBeUndefined();
    queue.push(event('a', 10, 1_000));
    expect(queue.dueInMs(1_100)).toBe(400);
    queue.push(event('b', 10, 1_090));
    expect(queue.dueInMs(1_100)).toBe(400);
    expect(queue.dueInMs(1_500)).toBe(0);
    queue.push(event('c', 10, 1_100));
    expect(queue.dueInMs(1_100)).toBe(0);
    const taken = queue.take();
    expect(queue.dueInMs(1_100)).toBeUndefined();
    queue.giveBack(taken);
    expect(queue.dueInMs(1_100)).toBe(0);
  });

  it.each([
    ['the older', 0],
    ['the newer', 1],
  ])(
    'of two failed batches drops the oldest events, though %s one comes back first',
    (_, first) => {
      const queue = new EventQueue({ maxEvents: 3, maxBytes: 10_000 }, { ...batch, maxEvents: 2 });
      for (const [at, id] of ['a', 'b', 'c', 'd'].entries()) queue.restore(event(id, 10, at));
      const taken = [queue.take(), queue.take()];
      queue.giveBack(taken[first] ?? []);
      queue.giveBack(taken[1 - first] ?? []);
      expect(ids(queue.trim())).toEqual(['a']);
      expect(ids(queue.take())).toEqual(['b']);
      expect(ids(queue.take())).toEqual(['c', 'd']);
    },
  );

  it('gives back first, oldest first, and never merges halves', () => {
    const queue = new EventQueue({ maxEvents: 4, maxBytes: 10_000 }, batch);
    for (const id of ['a', 'b', 'c']) queue.push(event(id));
    const taken = queue.take();
    queue.push(event('d'));
    queue.giveBack(taken.slice(0, 1), taken.slice(1));
    expect(ids(queue.push(event('e')))).toEqual(['a']);
    expect([queue.take(), queue.take(), queue.take()].map(ids)).toEqual([
      ['b', 'c'],
      ['d', 'e'],
      [],
    ]);
  });

  it('loses and invents nothing, and counts right, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('push' as const), bytes: fc.nat(60) }),
      fc.constantFrom(
        { do: 'take' as const },
        { do: 'giveBack' as const },
        { do: 'halve' as const },
        { do: 'expire' as const },
      ),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limits = { maxEvents: 8, maxBytes: 150 };
        const queue = new EventQueue(limits, batch);
        const gone = new Set<string>();
        const away: WaitingEvent[][] = [];
        const leave = (events: readonly EndingEvent[]) => {
          for (const { taskId } of events) {
            expect(gone.has(taskId)).toBe(false);
            gone.add(taskId);
          }
        };
        let pushed = 0;
        for (const one of steps) {
          if (one.do === 'push') {
            leave(queue.push(event(`${pushed++}`, one.bytes, pushed)));
            expect(queue.count).toBeLessThanOrEqual(limits.maxEvents);
            if (queue.count > 1) expect(queue.bytes).toBeLessThanOrEqual(limits.maxBytes);
          } else if (one.do === 'take') {
            const taken = queue.take();
            if (taken.length > 0) away.push(taken);
          } else if (one.do === 'expire') {
            leave(queue.expire(pushed - 5));
          } else {
            const back = away.shift();
            if (back === undefined) continue;
            const half = one.do === 'halve' ? back.length >> 1 : 0;
            queue.giveBack(
              ...[back.slice(0, half), back.slice(half)].filter(({ length }) => length),
            );
          }
          const known = gone.size + away.flat().length + queue.count;
          expect(known).toBe(pushed);
        }
        const left = queue.clear();
        leave(left);
        leave(away.flat());
        expect(gone.size).toBe(pushed);
        expect({ count: queue.count, bytes: queue.bytes }).toEqual({ count: 0, bytes: 0 });
        expect(queue.take()).toEqual([]);
      }),
    );
  });

  it('stays as small as what it holds, however much has passed through', () => {
    const queue = new EventQueue({ maxEvents: 10, maxBytes: 10_000 }, batch);
    let evicted = 0;
    for (let n = 0; n < 5_000; n++) evicted += queue.push(event(`${n}`)).length;
    expect(evicted).toBe(4_990);
    expect(ids(queue.clear())).toEqual(Array.from({ length: 10 }, (_, n) => `${4_990 + n}`));
  });
});
