import type { ClientRateLimitInfo, Store } from 'express-rate-limit';
import { BoundedMap } from '../internal/bounded-map.ts';

/** Keys that are counted at a time, a few megabytes: whoever has more addresses than that is not held up by counting them. */
const MAX_KEYS = 20_000;

interface Count {
  hits: number;
  /** `performance.now()`: a wall clock that jumps back must not lock anybody out. */
  readonly endsAt: number;
}

/**
 * What express-rate-limit counts in unless told otherwise, but bounded: its own store keeps each address and task that
 * a stranger can think of for two windows, and has a timer.
 */
export class CountsInMemory implements Store {
  /** Two stores of ours never count the same. */
  readonly localKeys = true;
  readonly #counts = new BoundedMap<string, Count>(MAX_KEYS);
  readonly #windowMs: number;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  increment(key: string): ClientRateLimitInfo {
    const now = performance.now();
    let count = this.#counts.get(key);
    if (count === undefined || count.endsAt <= now) {
      // Deleted first, so that it is the newest: the oldest makes room.
      this.#counts.delete(key);
      count = { hits: 0, endsAt: now + this.#windowMs };
      this.#counts.set(key, count);
    }
    count.hits += 1;
    return { totalHits: count.hits, resetTime: new Date(Date.now() + count.endsAt - now) };
  }

  decrement(key: string): void {
    const count = this.#counts.get(key);
    if (count) count.hits -= 1;
  }

  resetKey(key: string): void {
    this.#counts.delete(key);
  }
}
