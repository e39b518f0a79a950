import { describeError } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import type { TaskWaiters } from '../model/task-waiters.ts';
import type { DueTrace, Fold, SpanStore } from '../store/store.ts';
import { foldTrace } from './fold.ts';
import type { KeptSpan } from './kept-span.ts';

/** Another collector of the same database may have stored spans and been killed. */
const LOOK_MS = 5_000;
const TRACES_AT_ONCE = 50;
/** While a span is awaited that contains what is here; batches of an SDK are 5 s apart. */
const PATIENCE_MS = 12_000;

/** Whole traces become tasks at once. Those that lack what contains their spans are given some time. */
export const fold: Fold = (traceId, spans, { waitedMs, hasTasks }) => {
  const kept = spans.map((text) => JSON.parse(text) as KeptSpan);
  const { tasks, additions, isIncomplete } = foldTrace(traceId, kept);
  if (isIncomplete && !hasTasks && waitedMs < PATIENCE_MS) {
    return { waitMs: PATIENCE_MS - waitedMs };
  }
  return { tasks, additions };
};

/**
 * Folds traces into tasks when they are due. Spans are in the database before they are acknowledged, so whatever
 * ends the process costs time alone: the next one, or another of the same database, goes on.
 */
export class Folder {
  readonly #spans: SpanStore;
  readonly #waiters: TaskWaiters;
  readonly #logger: GuardedLogger;
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(spans: SpanStore, waiters: TaskWaiters, logger: GuardedLogger) {
    this.#spans = spans;
    this.#waiters = waiters;
    this.#logger = logger;
  }

  /** Looks in so many milliseconds, if not before, and from then on by itself. */
  wakeIn(ms: number): void {
    const at = Date.now() + ms;
    if (this.#isClosed || at >= this.#wakesAt) return;
    this.#wakesAt = at;
    if (this.#running === undefined) this.#sleep();
  }

  /** Ends after the trace under way. What is left waits in the database. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #sleep(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#wakesAt = Number.POSITIVE_INFINITY;
        this.#running = this.#look().then((next) => {
          this.#running = undefined;
          this.wakeIn(next);
          // It may have been told to wake earlier meanwhile.
          if (!this.#isClosed) this.#sleep();
        });
      },
      Math.max(0, this.#wakesAt - Date.now()),
    );
    this.#timer.unref();
  }

  /** @returns how long to sleep. */
  async #look(): Promise<number> {
    try {
      const due = await this.#spans.due(Date.now(), TRACES_AT_ONCE);
      for (const [projectId, traceIds] of byProject(due)) {
        if (this.#isClosed) return 0;
        const stored = await this.#spans.fold(projectId, traceIds, Date.now(), this.#guarded);
        this.#waiters.stored(projectId, stored);
      }
      if (due.length === TRACES_AT_ONCE) return 0;
      if ((await this.#spans.forget(Date.now(), TRACES_AT_ONCE)) === TRACES_AT_ONCE) return 0;
      const next = await this.#spans.nextDue();
      this.#logger.forget('waits');
      return Math.min(LOOK_MS, Math.max(1, (next ?? Number.POSITIVE_INFINITY) - Date.now()));
    } catch (error) {
      const reason = describeError(error);
      this.#logger.once('waits', 'warn', `traces wait, since the database fails: ${reason}`);
      return LOOK_MS;
    }
  }

  /** A trace that cannot be folded must not keep the others waiting. */
  readonly #guarded: Fold = (traceId, spans, trace) => {
    try {
      return fold(traceId, spans, trace);
    } catch (error) {
      const reason = describeError(error);
      this.#logger.say('error', `the trace ${traceId} cannot become a task: ${reason}`);
      return undefined;
    }
  };
}

function byProject(traces: readonly DueTrace[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { projectId, traceId } of traces) {
    found.set(projectId, [...(found.get(projectId) ?? []), traceId]);
  }
  return found;
}
