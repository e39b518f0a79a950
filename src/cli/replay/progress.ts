import { SingleBar } from 'cli-progress';

/** How often a line is written where there is no terminal, milliseconds. */
const LINE_EVERY_MS = 5_000;

/** A bar on a terminal, else a line now and then, on standard error. */
export class Progress {
  readonly #bar: SingleBar;
  #done = 0;

  constructor(total: number) {
    const isTerminal = process.stderr.isTTY;
    this.#bar = new SingleBar({
      format: isTerminal
        ? '[{bar}] {value}/{total}, {eta_formatted} left'
        : '{value} of {total} answered',
      stream: process.stderr,
      // The time left is worked out from so many updates.
      etaBuffer: 50,
      noTTYOutput: true,
      notTTYSchedule: LINE_EVERY_MS,
    });
    this.#bar.start(total, 0);
  }

  add(count: number): void {
    this.#done += count;
    this.#bar.update(this.#done);
  }

  stop(): void {
    this.#bar.stop();
  }
}
