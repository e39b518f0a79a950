import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { uuidv7 } from '../../../internal/ids.ts';

export const CHANNEL = 'phospho_news';

/** Milliseconds between two pings of our own, and in which one must be heard. */
const PING_MS = 15_000;
const DEAF_MS = 5_000;
/** Milliseconds before a connection is tried again: doubled each time, up to a bound. */
const RETRY_MS = { first: 500, most: 15_000 };
/** Milliseconds for a connection to say goodbye. */
const GOODBYE_MS = 1_000;

export interface EarOptions {
  /** Makes a connection, not connected yet. */
  connect(): Client;
  /** Sends a text over another connection, as it would come from another collector. */
  ping(text: string): Promise<void>;
  /** Takes what has come; answers the ping that it is, if it is one. */
  heard(text: string): string | undefined;
  /** Called when it begins to hear: what was said before is lost. */
  opened(): void;
}

/**
 * A connection that listens, made anew for as long as it takes. It counts as open only while it hears its own
 * pings: behind some poolers LISTEN is taken and nothing ever comes, and a network may go silent without a word.
 */
export class Ear {
  readonly #options: EarOptions;
  readonly #closed = new AbortController();
  readonly #running: Promise<void>;
  #isOpen = false;
  #ping: { text: string; heard: () => void } | undefined;

  constructor(options: EarOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Whether what others say is heard. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closed;
    let pause: number = RETRY_MS.first;
    while (!signal.aborted) {
      const wasOpen = await this.#listen();
      pause = wasOpen ? RETRY_MS.first : Math.min(pause * 2, RETRY_MS.most);
      await sleep(pause * (0.5 + Math.random() / 2), signal);
    }
  }

  /** Until the connection fails or falls silent. @returns whether it has ever heard */
  async #listen(): Promise<boolean> {
    const client = this.#options.connect() as Client & { unref(): void };
    const over = new AbortController();
    const end = (): void => over.abort();
    this.#closed.signal.addEventListener('abort', end, { once: true });
    client.on('error', end);
    client.on('end', end);
    client.on('notification', ({ payload = '' }) => {
      if (this.#options.heard(payload) === this.#ping?.text) this.#ping?.heard();
    });
    let hasHeard = false;
    try {
      await client.connect();
      // An app that mounts a collector may end without closing it.
      client.unref();
      await client.query(`listen ${CHANNEL}`);
      while (!over.signal.aborted && (await this.#hearsItself(over.signal))) {
        if (!this.#isOpen) this.#options.opened();
        this.#isOpen = true;
        hasHeard = true;
        await sleep(PING_MS, over.signal);
      }
    } catch {
      // The database is away, or does not let us in: the requests meet it, too, and tell.
    }
    this.#isOpen = false;
    this.#closed.signal.removeEventListener('abort', end);
    await Promise.race([client.end().catch(() => undefined), sleep(GOODBYE_MS)]);
    return hasHeard;
  }

  async #hearsItself(over: AbortSignal): Promise<boolean> {
    let isHeard = false;
    const heard = new Promise<void>((resolve) => {
      const text = uuidv7();
      this.#ping = {
        text,
        heard: () => {
          isHeard = true;
          resolve();
        },
      };
    });
    await this.#options.ping(this.#ping?.text ?? '');
    await Promise.race([heard, sleep(DEAF_MS, over)]);
    return isHeard;
  }
}

/** Until the time is over or the signal comes; keeps no process alive. */
async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
}
