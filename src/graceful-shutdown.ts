import type { Server } from 'node:net';
import type { Ledger } from './delivery/ledger.ts';
import { closeServer } from './express/close-server.ts';
import { isServer } from './express/open-connections.ts';
import { describeError } from './internal/hooks.ts';
import type { GuardedLogger } from './internal/logger.ts';

export interface GracefulShutdownParts {
  logger: GuardedLogger;
  /** Never rejects; called again, it answers the same. */
  shutdown(timeoutMs: number): Promise<unknown>;
  stats(): Ledger;
}

/** Of the time, this part is kept for delivery, and so many milliseconds at most. */
const RESERVED_PART = 1 / 5;
const MAX_RESERVED_MS = 5_000;

/** Closes servers, and shuts delivery down once all that were given are closed: their tasks are to arrive. */
export class GracefulShutdown {
  readonly #parts: GracefulShutdownParts;
  readonly #closings = new Map<unknown, Promise<void>>();
  #underWay: Promise<Ledger> | undefined;

  constructor(parts: GracefulShutdownParts) {
    this.#parts = parts;
  }

  /** What to wait for before the process may end. */
  get underWay(): Promise<Ledger> | undefined {
    return this.#underWay;
  }

  run(server: Server, timeoutMs: number): Promise<Ledger> {
    const reservedMs = Math.min(timeoutMs * RESERVED_PART, MAX_RESERVED_MS);
    const deadline = performance.now() + timeoutMs;
    if (!this.#closings.has(server)) {
      this.#closings.set(server, this.#close(server, timeoutMs - reservedMs));
    }
    this.#underWay = this.#finish(deadline, reservedMs);
    return this.#underWay;
  }

  async #close(server: Server, timeoutMs: number): Promise<void> {
    const { logger } = this.#parts;
    if (isServer(server)) {
      await closeServer(server, timeoutMs, (error) => {
        logger.once('close-server', 'warn', `closing the server failed: ${describeError(error)}`);
      });
      return;
    }
    const came = typeof server === 'function' ? 'a function (an Express app?)' : typeof server;
    const message = `gracefulShutdown() takes the server that app.listen() returns, got ${came}; only delivery is shut down`;
    logger.once('no-server', 'warn', message);
  }

  async #finish(deadline: number, reservedMs: number): Promise<Ledger> {
    // Another server may be given while the first one closes.
    for (let known = 0; known < this.#closings.size; ) {
      known = this.#closings.size;
      await Promise.all(this.#closings.values());
    }
    const leftMs = Math.min(deadline - performance.now(), MAX_RESERVED_MS);
    await this.#parts.shutdown(Math.max(leftMs, reservedMs));
    return this.#parts.stats();
  }
}
