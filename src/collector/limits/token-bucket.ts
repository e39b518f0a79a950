/** Of sums of fractions. */
const ROUNDING = 1e-6;

/**
 * Lets so many through a minute: all of them at once, if nothing came before, and then as they grow again. What is
 * larger than the whole bucket goes when it is full, and is waited for afterwards.
 */
export class TokenBucket {
  #capacity: number;
  #level: number;
  #at: number;

  /** @param nowMs - of a clock that never goes back, as in the calls */
  constructor(perMinute: number, nowMs: number) {
    this.#capacity = perMinute;
    this.#level = perMinute;
    this.#at = nowMs;
  }

  /** A limit that has changed holds from now on. */
  resize(perMinute: number): void {
    this.#capacity = perMinute;
    this.#level = Math.min(this.#level, perMinute);
  }

  /** @returns 0 where they are let through, else the milliseconds until they would be */
  take(count: number, nowMs: number): number {
    const perMs = this.#capacity / 60_000;
    this.#level = Math.min(this.#capacity, this.#level + (nowMs - this.#at) * perMs);
    this.#at = nowMs;
    const needed = Math.min(count, this.#capacity);
    if (this.#level >= needed - ROUNDING) {
      this.#level -= count;
      return 0;
    }
    return Math.ceil((needed - this.#level - ROUNDING) / perMs);
  }
}
