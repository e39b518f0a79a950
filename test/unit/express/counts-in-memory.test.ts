import { afterEach, describe, expect, it, vi } from 'vitest';
import { CountsInMemory } from '../../../src/express/counts-in-memory.ts';

const WINDOW_MS = 60_000;

afterEach(() => void vi.useRealTimers());

/** What is counted of a key, twice before so many others came and once after them. */
function hitsAfter(others: number): number {
  const counts = new CountsInMemory(WINDOW_MS);
  counts.increment('me');
  counts.increment('me');
  for (let n = 0; n < others; n++) counts.increment(`10.${n}`);
  return counts.increment('me').totalHits;
}

describe('CountsInMemory', () => {
  it('counts each key for a window, then anew', () => {
    vi.useFakeTimers();
    const counts = new CountsInMemory(WINDOW_MS);
    const first = counts.increment('a');
    vi.advanceTimersByTime(WINDOW_MS - 1);
    expect(counts.increment('a')).toEqual({ totalHits: 2, resetTime: first.resetTime });
    expect(counts.increment('b').totalHits).toBe(1);
    vi.advanceTimersByTime(1);
    expect(counts.increment('a').totalHits).toBe(1);
    expect(counts.increment('b').totalHits).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('locks nobody out when the wall clock jumps back, and says a time that is right by it', () => {
    vi.useFakeTimers();
    const counts = new CountsInMemory(WINDOW_MS);
    counts.increment('a');
    vi.setSystemTime(Date.now() - 25 * 3_600_000);
    expect(counts.increment('a').resetTime).toEqual(new Date(Date.now() + WINDOW_MS));
    vi.advanceTimersByTime(WINDOW_MS);
    expect(counts.increment('a').totalHits).toBe(1);
  });

  it('remembers twenty thousand keys, and of a hundred thousand no more than that', () => {
    expect(hitsAfter(19_000)).toBe(3);
    expect(hitsAfter(100_000)).toBe(1);
  });

  it('a key that is counted anew is the newest', () => {
    vi.useFakeTimers();
    const counts = new CountsInMemory(WINDOW_MS);
    counts.increment('me');
    for (let n = 0; n < 15_000; n++) counts.increment(`old${n}`);
    vi.advanceTimersByTime(WINDOW_MS);
    counts.increment('me');
    for (let n = 0; n < 10_000; n++) counts.increment(`new${n}`);
    expect(counts.increment('me').totalHits).toBe(2);
  });

  it('takes back what it is told to', () => {
    const counts = new CountsInMemory(WINDOW_MS);
    counts.increment('a');
    counts.increment('a');
    counts.decrement('a');
    counts.decrement('never seen');
    expect(counts.increment('a').totalHits).toBe(2);
    counts.resetKey('a');
    expect(counts.increment('a').totalHits).toBe(1);
  });
});
