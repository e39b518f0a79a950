import { describeError } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import { unixNow } from '../store/clock.ts';
import type { KeyStore } from '../store/store.ts';

/** A key is noted once in so many seconds. */
const AGAIN_AFTER_SECONDS = 60;
/** Milliseconds from a use on until it is written, with all others of that time. */
const WRITE_AFTER_MS = 1000;

/** When keys were used last: kept in memory, and written off the path of requests. What a crash takes is lost. */
export class KeyUses {
  readonly #keys: Pick<KeyStore, 'used'>;
  readonly #logger: GuardedLogger;
  /** By hash, UNIX seconds. */
  readonly #noted = new Map<string, number>();
  #waiting = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(keys: Pick<KeyStore, 'used'>, logger: GuardedLogger) {
    this.#keys = keys;
    this.#logger = logger;
  }

  note({ hash }: { hash: string }): void {
    const now = unixNow();
    const last = this.#noted.get(hash);
    if (last !== undefined && Math.abs(now - last) < AGAIN_AFTER_SECONDS) return;
    this.#noted.set(hash, now);
    this.#waiting.set(hash, now);
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER_MS).unref();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#write();
    await this.#writing;
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const times = this.#waiting;
    if (times.size === 0) return;
    this.#waiting = new Map();
    for (const [hash, at] of this.#noted)
      if (unixNow() - at >= AGAIN_AFTER_SECONDS) this.#noted.delete(hash);
    this.#writing = this.#writing
      .then(() => this.#keys.used(times))
      .catch((error: unknown) => {
        const what = `when keys were used last is not written: ${describeError(error)}`;
        this.#logger.once('key-uses', 'warn', what);
      });
  }
}
