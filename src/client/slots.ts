/**
 * As many turns at a time as a pool has sockets. Waiting here, and not in the pool's own queue, keeps the
 * wait out of the call's time-out: a thousand reads at once are slow then, but do not fail.
 */
export class Slots {
  #free: number;
  readonly #waiting: Set<() => void> = new Set();

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `work` when a turn is free. If `signal` aborts before, `work` runs at once and has to see it. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else if (!(await this.#turn(signal))) return work();
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free += 1;
    else next();
  }

  #turn(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (granted: boolean) => {
        this.#waiting.delete(grant);
        signal.removeEventListener('abort', giveUp);
        resolve(granted);
      };
      const grant = () => settle(true);
      const giveUp = () => settle(false);
      if (signal.aborted) return giveUp();
      this.#waiting.add(grant);
      signal.addEventListener('abort', giveUp);
    });
  }
}
