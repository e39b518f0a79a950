import { type BackoffOptions, backoffMs, DEFAULT_BACKOFF } from './retry.ts';

/** `half_open`: a probe may go, or is under way. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/**
 * Closed: everything may be sent. The first failure that is worth a retry opens it: then one probe at a
 * time, after a pause, until one succeeds, so that a server in trouble sees a handful of requests. What was
 * sent before it opened cannot close it, or it would end the pause that a Retry-After asked for; and if it
 * fails too, that is the same failure.
 * Times are of the monotonic clock: a jump of the wall clock makes no burst.
 */
export class Circuit {
  readonly #options: BackoffOptions;
  readonly #onProbeDue: () => void;
  #failures = 0;
  /** Counts the openings and failed probes. */
  #era = 0;
  #retryAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(onProbeDue: () => void, options: BackoffOptions = DEFAULT_BACKOFF) {
    this.#onProbeDue = onProbeDue;
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#failures > 0;
  }

  /** How many requests may be under way at a time (now), given that `normal` may when all is well. */
  slots(normal: number, time: number = performance.now()): number {
    if (!this.isOpen) return normal;
    return time >= this.#retryAt ? 1 : 0;
  }

  get state(): CircuitState {
    if (!this.isOpen) return 'closed';
    return this.slots(1) === 1 ? 'half_open' : 'open';
  }

  /** Read when a request starts, handed back with its outcome. */
  get era(): number {
    return this.#era;
  }

  succeed(era: number): void {
    if (era !== this.#era) return;
    this.#failures = 0;
    this.#retryAt = 0;
    clearTimeout(this.#timer);
  }

  fail(error: unknown, era: number): void {
    if (era === this.#era || !this.isOpen) {
      this.#era += 1;
      this.#failures += 1;
    }
    const wait = backoffMs(error, this.#failures, this.#options);
    this.#retryAt = Math.max(this.#retryAt, performance.now() + wait);
    this.#arm();
  }

  /** Lets the next probe go at once: shutdown has little time. */
  hurry(): void {
    this.#retryAt = 0;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wait = Math.max(1, Math.ceil(this.#retryAt - performance.now()));
    this.#timer = setTimeout(() => {
      // Timers may fire a fraction of a millisecond early, and nobody else would come back for the probe.
      if (performance.now() < this.#retryAt) this.#arm();
      else this.#onProbeDue();
    }, wait);
    this.#timer.unref();
  }
}
