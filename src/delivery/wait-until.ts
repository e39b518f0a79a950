import { callHook } from '../internal/hooks.ts';
import type { GuardedLogger } from '../internal/logger.ts';

/** What serverless platforms call `waitUntil`: they keep the process running until the promise settles. */
export type WaitUntilHook = (promise: Promise<unknown>) => void;

export interface WaitUntilParts {
  hook: WaitUntilHook;
  /** Never rejects. */
  flush(timeoutMs: number): Promise<unknown>;
  logger: GuardedLogger;
  /** How long a promise takes at most, milliseconds. */
  timeoutMs: number;
}

/**
 * Tells a serverless platform what to stay awake for: one promise for all that settles until its flush begins.
 * While one flush is under way the next burst gathers, so that there are two promises at most at a time.
 */
export class WaitUntil {
  readonly #parts: WaitUntilParts;
  #isGathering = false;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: WaitUntilParts) {
    this.#parts = parts;
  }

  /** A task has settled, or a flag was given. Calls the hook in the caller's context, which some platforms need. */
  announce(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    const { logger, hook } = this.#parts;
    this.#last = this.#deliver(this.#last);
    callHook(logger, 'waitUntil', hook, this.#last);
  }

  async #deliver(previous: Promise<void>): Promise<void> {
    const { flush, timeoutMs } = this.#parts;
    const deadline = performance.now() + timeoutMs;
    await previous;
    this.#isGathering = false;
    await flush(Math.max(0, deadline - performance.now()));
  }
}
