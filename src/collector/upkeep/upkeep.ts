import { describeError } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import type { Store } from '../store/store.ts';

/** Milliseconds from one round to the next, and from the start to the first. */
const EVERY_MS = 10 * 60_000;
const FIRST_MS = 5_000;
/** After a deletion: more of them often follow. */
const SOON_MS = 500;
/** Between steps it rests for so many times as long as the step took: others use the database. */
const REST = 2;

export interface UpkeepParts {
  store: Pick<Store, 'removal'>;
  logger: GuardedLogger;
}

/**
 * What a collector does by itself about what it has stored: small steps, with pauses. Several collectors may do it
 * over one database at once.
 */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#wakeIn(FIRST_MS);
  }

  /** Something was deleted on request. */
  removed(): void {
    this.#wakeIn(SOON_MS);
  }

  /** Ends after the step under way. What is left is left to the next start. */
  async close(): Promise<void> {
    this.#closed.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  #wakeIn(ms: number): void {
    const at = Date.now() + ms;
    if (this.#closed.signal.aborted || at >= this.#wakesAt) return;
    this.#wakesAt = at;
    if (this.#running === undefined) this.#sleep();
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#wakesAt = Number.POSITIVE_INFINITY;
        this.#running = this.#round().then(() => {
          this.#running = undefined;
          this.#wakeIn(EVERY_MS);
          // It may have been told to wake earlier meanwhile.
          if (!this.#closed.signal.aborted) this.#sleep();
        });
      },
      Math.max(0, this.#wakesAt - Date.now()),
    );
    this.#timer.unref();
  }

  async #round(): Promise<void> {
    const { store, logger } = this.#parts;
    try {
      await store.removal.forgetRemoved();
      await this.#inSteps(() => store.removal.scrub());
      logger.forget('upkeep');
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const reason = describeError(error);
      logger.once('upkeep', 'warn', `upkeep of the database waits, since it fails: ${reason}`);
    }
  }

  /** Takes steps until one says that it was the last. */
  async #inSteps(step: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const start = performance.now();
      if ((await step()) || this.#closed.signal.aborted) return;
      await this.#rest((performance.now() - start) * REST);
    }
  }

  #rest(ms: number): Promise<void> {
    const { signal } = this.#closed;
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      timer.unref();
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}
