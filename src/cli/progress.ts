import { SingleBar } from 'cli-progress';

/** How often a line is written where there is no terminal, milliseconds. */
const LINE_EVERY_MS = 5_000;
/** Milliseconds: the time left is worked out from the last updates, which must not be of one moment. */
const SHOW_EVERY_MS = 100;

export interface ProgressOptions {
  /** What has been done to those that are counted: `sent`. */
  done: string;
  /** Whether lines tell of it where there is no terminal. */
  hasLines?: boolean;
}

/** A bar on a terminal, else a line now and then or nothing, on standard error. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  #done = 0;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(total: number, { done, hasLines = false }: ProgressOptions) {
    const isTerminal = process.stderr.isTTY;
    if (!isTerminal && !hasLines) return;
    this.#bar = new SingleBar({
      format: isTerminal
        ? `[{bar}] {value}/{total} ${done}, {eta_formatted} left`
        : `{value} of {total} ${done}`,
      stream: process.stderr,
      // The time left is worked out from so many updates.
      etaBuffer: 50,
      noTTYOutput: true,
      notTTYSchedule: LINE_EVERY_MS,
    });
    this.#bar.start(total, 0);
  }

  add(count: number): void {
    this.reach(this.#done + count);
  }

  reach(done: number): void {
    this.#done = done;
    const now = performance.now();
    if (now - this.#shownAt < SHOW_EVERY_MS) return;
    this.#shownAt = now;
    this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.update(this.#done);
    this.#bar?.stop();
  }
}
