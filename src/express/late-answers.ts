import { Outside } from '../internal/outside.ts';

/** How long a handler may go on when its client has left, milliseconds: slower models are given up sooner. */
const ANSWER_MS = 60_000;
/** A stream under way that says nothing for so long has noticed that nobody reads it, milliseconds. */
const SILENCE_MS = 5_000;
/** Exchanges that may wait at once; beyond, the oldest is recorded as it is. */
const MAX_WAITING = 1_000;

/** An exchange whose client has left, and whose handler may still answer. */
export interface LateExchange {
  /** `performance.now()` of the last chunk of a stream; undefined: nothing has been written. */
  readonly lastChunkAt: number | undefined;
  /** Nothing more is expected: makes the record. Called once, unless `forget` came first. */
  onTimeUp(): void;
}

/**
 * Those that wait for a late answer: a model's answer to somebody who has left is paid for, and worth a record.
 * Each waits until its handler has ended the response, for a minute at most.
 */
export class LateAnswers {
  readonly #outside = new Outside('phospho-express.late-answers');
  readonly #waiting = new Map<LateExchange, NodeJS.Timeout>();

  /** False: the process ends, and what is left is recorded as it is. */
  isOpen = true;

  wait(exchange: LateExchange): void {
    const [oldest] = this.#waiting.keys();
    if (oldest && this.#waiting.size >= MAX_WAITING) this.#timeUp(oldest);
    this.#watch(exchange, performance.now() + ANSWER_MS);
  }

  forget(exchange: LateExchange): void {
    clearTimeout(this.#waiting.get(exchange));
    this.#waiting.delete(exchange);
  }

  /** Nobody waits any longer: what there is of them is to be delivered now. */
  settleAll(): void {
    for (const exchange of [...this.#waiting.keys()]) this.#timeUp(exchange);
  }

  /** From here on nothing waits: the server ends, which may cut off what is left of its time. */
  close(): void {
    this.isOpen = false;
    this.settleAll();
  }

  #watch(exchange: LateExchange, deadline: number): void {
    const { lastChunkAt } = exchange;
    const until = Math.min(deadline, (lastChunkAt ?? Number.POSITIVE_INFINITY) + SILENCE_MS);
    const leftMs = until - performance.now();
    if (leftMs <= 0 && this.#waiting.has(exchange)) {
      this.#timeUp(exchange);
      return;
    }
    // Not in the context of the request that has just ended.
    const timer = this.#outside.runInAsyncScope(() =>
      setTimeout(() => this.#watch(exchange, deadline), Math.max(1, leftMs)),
    );
    this.#waiting.set(exchange, timer.unref());
  }

  #timeUp(exchange: LateExchange): void {
    this.forget(exchange);
    exchange.onTimeUp();
  }
}
