import { HttpError } from '../http/http-error.ts';

/** How long a flag is held for a task that has not arrived: 1+2+4+8+16 s, as phospho does. */
export const FLAG_WAIT_MS = 31_000;
const MAX_WAITERS = 1000;

/**
 * Requests that wait for a task to be stored. They are told by the request that stores it, so waiting costs
 * no queries; where another process may store it, news of its project make us look for all that wait.
 */
export class TaskWaiters {
  readonly #waitMs: number;
  readonly #limit: number;
  readonly #waiting = new Map<string, Map<string, Set<() => void>>>();
  #count = 0;
  #closed = false;

  constructor(waitMs: number = FLAG_WAIT_MS, limit: number = MAX_WAITERS) {
    this.#waitMs = waitMs;
    this.#limit = limit;
  }

  /** How many wait. */
  get size(): number {
    return this.#count;
  }

  /**
   * Calls `find` until it has an answer: now, when the task is said to be stored, and when the time is over.
   *
   * @param share - the part of the places that this kind of request may take, 0 to 1
   * @returns undefined where the task has not come, or the caller has gone
   * @throws HttpError 503 where no place is free, or the collector shuts down meanwhile
   */
  async find<T>(
    projectId: string,
    taskId: string,
    find: () => Promise<T | undefined>,
    { gone, share }: { gone: AbortSignal; share: number },
  ): Promise<T | undefined> {
    // Registered before the first look: a task stored between look and registration would be missed.
    const turn = this.#register(projectId, taskId, gone, share);
    try {
      const found = await find();
      if (found !== undefined) return found;
      if (turn === undefined) {
        throw new HttpError(
          503,
          'Too many flags wait for their tasks. Send this one again later.',
          {
            'retry-after': '5',
          },
        );
      }
      await turn.over;
      const late = gone.aborted ? undefined : await find();
      if (late === undefined && this.#closed) {
        throw new HttpError(503, 'The collector is shutting down. Send this flag again later.', {
          'retry-after': '5',
        });
      }
      return late;
    } finally {
      turn?.release();
    }
  }

  /** Wakes those that wait for these tasks. Call it after the commit. */
  stored(projectId: string, taskIds: Iterable<string>): void {
    const waiting = this.#waiting.get(projectId);
    if (waiting === undefined) return;
    for (const taskId of taskIds) for (const wake of waiting.get(taskId) ?? []) wake();
  }

  /** The projects that anybody waits for. */
  get projects(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** Wakes those whose tasks are there: one query for all. Where it fails, they wait on. */
  look(projectId: string, known: (taskIds: string[]) => Promise<Iterable<string>>): void {
    const waiting = this.#waiting.get(projectId);
    if (waiting === undefined) return;
    known([...waiting.keys()]).then(
      (taskIds) => this.stored(projectId, taskIds),
      () => undefined,
    );
  }

  /** Wakes all; nobody waits any more. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#waiting.values())
      for (const wakes of waiting.values()) for (const wake of wakes) wake();
  }

  #register(
    projectId: string,
    taskId: string,
    gone: AbortSignal,
    share: number,
  ): { over: Promise<void>; release: () => void } | undefined {
    if (this.#count >= this.#limit * share) return undefined;
    this.#count++;
    const { promise: over, resolve: wake } = withResolvers();
    const waiting = this.#waiting.get(projectId) ?? new Map<string, Set<() => void>>();
    this.#waiting.set(projectId, waiting);
    const wakes = waiting.get(taskId) ?? new Set();
    waiting.set(taskId, wakes.add(wake));
    const timer = setTimeout(wake, this.#closed ? 0 : this.#waitMs);
    gone.addEventListener('abort', wake, { once: true });
    if (gone.aborted) wake();
    return {
      over,
      release: () => {
        clearTimeout(timer);
        gone.removeEventListener('abort', wake);
        wakes.delete(wake);
        if (wakes.size === 0) waiting.delete(taskId);
        if (waiting.size === 0) this.#waiting.delete(projectId);
        this.#count--;
      },
    };
  }
}

/** `Promise.withResolvers` is not in Node 20. */
function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
