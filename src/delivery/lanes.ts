import type PQueue from 'p-queue';
import { Outside } from '../internal/outside.ts';

/**
 * Runs jobs through p-queue, a few at a time. The queue is loaded with the first job (importing it takes
 * longer than all else of ours together), and jobs run outside the request that caused them: its
 * AsyncLocalStorage would otherwise live as long as the batch.
 */
export class Lanes {
  readonly #concurrency: number;
  readonly #outside = new Outside('phospho-express.delivery');
  #queue: PQueue | undefined;
  #loading: Promise<PQueue> | undefined;
  #busy = 0;

  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** Jobs started and not ended. */
  get busy(): number {
    return this.#busy;
  }

  /** Starts a job, which must not reject. */
  run(job: () => Promise<void>): void {
    this.#busy += 1;
    const done = (): void => {
      this.#busy -= 1;
    };
    this.#outside.runInAsyncScope(() => {
      void this.#load()
        .then((queue) => queue.add(job))
        .then(done, done);
    });
  }

  async #load(): Promise<PQueue> {
    if (this.#queue) return this.#queue;
    this.#loading ??= import('p-queue').then(
      ({ default: Queue }) => new Queue({ concurrency: this.#concurrency }),
    );
    this.#queue = await this.#loading;
    return this.#queue;
  }
}
