import { describeError } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import type { Meter } from '../metrics/meter.ts';
import { type Retention, retentionOf } from '../model/retention.ts';
import type { ProjectRecord, Store } from '../store/store.ts';

/** Milliseconds from one round to the next, and from the start to the first. */
const EVERY_MS = 10 * 60_000;
const FIRST_MS = 5_000;
/** After a deletion: more of them often follow. */
const SOON_MS = 500;
/** On request it does not begin anew before so many times as long as the last round took: a large index is dear. */
const PAUSE = 10;
/** Between steps it rests for so many times as long as the step took: others use the database. */
const REST = 2;
/** Milliseconds at least: what waits for a reader of the file to end is tried again and again. */
const LEAST_REST_MS = 50;
const DAY_SECONDS = 86_400;

export interface UpkeepParts {
  store: Pick<Store, 'projects' | 'removal'>;
  logger: GuardedLogger;
  meter: Meter;
  /** Of projects that have set nothing else. */
  retention: Retention;
  /** UNIX milliseconds. @defaultValue Date.now */
  now?: () => number;
}

/**
 * What a collector does by itself about what it has stored: it deletes what has outlived its project's retention, and
 * takes the remains of deletion out of the files. Small steps, with pauses; several collectors may do it over one
 * database.
 */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #closed = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #lastMs = 0;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#wakeIn(FIRST_MS);
  }

  /** Something was deleted on request. */
  removed(): void {
    this.#wakeIn(Math.max(SOON_MS, this.#lastMs * PAUSE));
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
        this.#running = this.look().then(() => {
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

  /** What it does each time. Errors are logged: once, until it has gone well again. */
  async look(): Promise<void> {
    const { store, logger } = this.#parts;
    const start = performance.now();
    try {
      await this.#retain();
      await this.#inSteps(() => store.removal.forgetRemoved(this.#now));
      await this.#inSteps(() => store.removal.scrub());
      logger.forget('upkeep');
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      const reason = describeError(error);
      logger.once('upkeep', 'warn', `upkeep of the database waits, since it fails: ${reason}`);
    } finally {
      this.#lastMs = performance.now() - start;
    }
  }

  async #retain(): Promise<void> {
    const { store, meter, retention } = this.#parts;
    for await (const { id: projectId } of allProjects(store.projects)) {
      await this.#inSteps(async () => {
        // Anew at each step: a mistake that is set right while much of it goes must end it.
        const settings = (await store.projects.settings(projectId)) ?? {};
        const { days, bytes } = retentionOf(settings, retention);
        if (days === 0 && bytes === 0) return true;
        const { age, size, others } = await store.removal.retain(projectId, {
          since: days === 0 ? undefined : this.#now - days * DAY_SECONDS,
          maxBytes: bytes === 0 ? undefined : bytes,
        });
        meter.removed('age', age);
        meter.removed('size', size);
        return age + size + others === 0;
      });
      if (this.#closed.signal.aborted) return;
    }
  }

  get #now(): number {
    return Math.floor((this.#parts.now ?? Date.now)() / 1000);
  }

  /** Takes steps until one says that it was the last. */
  async #inSteps(step: () => Promise<boolean>): Promise<void> {
    for (;;) {
      const start = performance.now();
      if ((await step()) || this.#closed.signal.aborted) return;
      await this.#rest(Math.max(LEAST_REST_MS, (performance.now() - start) * REST));
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

const PROJECTS_AT_ONCE = 100;

async function* allProjects(projects: Store['projects']): AsyncGenerator<ProjectRecord> {
  for (let after: string | undefined; ; ) {
    const page = await projects.list({ after, limit: PROJECTS_AT_ONCE });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < PROJECTS_AT_ONCE) return;
  }
}
