import { createHash } from 'node:crypto';
import type { Request } from 'express';
import { ipKeyGenerator, MemoryStore, type Options } from 'express-rate-limit';
import { HttpError } from '../http/http-error.ts';
import type { Meter } from '../metrics/meter.ts';
import { OpenTries } from './open-tries.ts';

const WINDOW_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/**
 * Slows down the guessing of keys: after so many wrong ones of an address in a minute, no key of it is looked at
 * until the minute is over, save those that it has used before. So one app with a wrong key keeps none of its
 * neighbours out.
 */
export class FailedKeys {
  readonly #limit: number | undefined;
  readonly #meter: Pick<Meter, 'limited'>;
  readonly #failures = new MemoryStore();
  readonly #tries = new OpenTries();
  /** Hashes of an address and a key that was right, the one used last at the end. */
  readonly #good = new Set<string>();

  /** @param limit - undefined: none */
  constructor(limit: number | undefined, meter: Pick<Meter, 'limited'>) {
    this.#limit = limit;
    this.#meter = meter;
    this.#failures.init({ windowMs: WINDOW_MS } as Options);
  }

  /**
   * Looks a key up, and counts if it is wrong: if `look` throws a 401.
   *
   * @throws HttpError 429 without looking
   */
  async guard<T>(req: Request, look: () => Promise<T>): Promise<T> {
    const { authorization } = req.headers;
    if (this.#limit === undefined || authorization === undefined) return look();
    const address = ipKeyGenerator(req.ip ?? '');
    const pair = createHash('sha256').update(`${address} ${authorization}`).digest('base64');
    const limit = this.#limit;
    const end = this.#good.has(pair)
      ? undefined
      : await this.#tries.begin(address, () => this.#left(address, limit));
    try {
      const found = await look();
      this.#remember(pair);
      return found;
    } catch (error) {
      if (error instanceof HttpError && error.status === 401) {
        this.#good.delete(pair);
        await this.#failures.increment(address);
      }
      throw error;
    } finally {
      end?.();
    }
  }

  close(): void {
    this.#failures.shutdown();
  }

  /**
   * How many wrong keys may still come of an address.
   *
   * @throws HttpError 429 where none may
   */
  async #left(address: string, limit: number): Promise<number> {
    const { totalHits = 0, resetTime } = (await this.#failures.get(address)) ?? {};
    const waitMs = (resetTime?.getTime() ?? 0) - Date.now();
    // One whose time is over may still be there.
    if (waitMs <= 0) return limit;
    if (totalHits < limit) return limit - totalHits;
    this.#meter.limited('failed_keys_per_minute');
    const seconds = Math.ceil(waitMs / 1000);
    throw new HttpError(
      429,
      `More than ${limit} wrong API keys have come from this address within a minute ` +
        `(failedKeysPerMinute of the collector). Send it again in ${seconds} s`,
      { 'retry-after': String(seconds) },
    );
  }

  #remember(pair: string): void {
    this.#good.delete(pair);
    this.#good.add(pair);
    if (this.#good.size <= MAX_REMEMBERED) return;
    for (const oldest of this.#good) {
      this.#good.delete(oldest);
      return;
    }
  }
}
