import { onBeforeExit } from '../internal/before-exit.ts';
import { Epochs } from './epochs.ts';
import type { Delivery, DropReason, Exporter, QueuedEvent, QueuedFlag } from './exporter.ts';
import { FlagPipeline, type FlagPipelineSettings } from './flag-pipeline.ts';
import { countDrop, emptyEventLedger, emptyFlagLedger, type Ledger } from './ledger.ts';
import type { Observers } from './observers.ts';
import { Pipeline, type PipelineSettings } from './pipeline.ts';
import { type TaskState, TaskStates } from './task-states.ts';

export interface DeliverySettings {
  events: PipelineSettings;
  flags: FlagPipelineSettings;
}

/** How long the flush at the process's natural end may take, milliseconds. */
const BEFORE_EXIT_MS = 5_000;

/** Everything between a settled task and the exporter: the ledger, both pipelines, flush and shutdown. */
export class BatchDelivery implements Delivery {
  readonly #ledger: Ledger = { events: emptyEventLedger(), flags: emptyFlagLedger() };
  readonly #epochs = new Epochs();
  readonly #tasks = new TaskStates();
  #abort = new AbortController();
  readonly #exporter: Exporter;
  readonly #observers: Observers;
  readonly #events: Pipeline;
  readonly #flags: FlagPipeline;
  readonly #offBeforeExit: () => void;
  #shutdown: Promise<Ledger> | undefined;
  #gaveUpAtExit = false;

  constructor(settings: DeliverySettings, exporter: Exporter, observers: Observers) {
    this.#exporter = exporter;
    this.#observers = observers;
    const signal = (): AbortSignal => this.#abort.signal;
    const shared = { exporter, observers, epochs: this.#epochs, signal };
    this.#flags = new FlagPipeline(settings.flags, {
      ...shared,
      ledger: this.#ledger.flags,
      tasks: this.#tasks,
      isConfigured: () => this.isConfigured(),
    });
    this.#events = new Pipeline(settings.events, {
      ...shared,
      ledger: this.#ledger.events,
      onEnd: (taskId, delivered) => this.#ended(taskId, delivered),
    });
    this.#offBeforeExit = onBeforeExit(() => {
      if (!this.#epochs.isEmpty && !this.#gaveUpAtExit) void this.#flushAtExit();
    });
  }

  opened(taskId: string): void {
    this.#tasks.set(taskId, 'open');
  }

  discarded(taskId: string): void {
    this.#tasks.forget(taskId);
    this.#flags.taskEnded(taskId, false);
  }

  /** What is known of a task that this process issued. */
  stateOf(taskId: string): TaskState | undefined {
    return this.#tasks.get(taskId);
  }

  settled(): number {
    this.#ledger.events.captured += 1;
    this.#ledger.events.pending += 1;
    return this.#epochs.enter();
  }

  accept(event: QueuedEvent): void {
    this.#ledger.events.pending -= 1;
    this.#tasks.set(event.taskId, 'queued');
    this.#flags.taskQueued(event.taskId, event.epoch);
    this.#events.push(event);
  }

  dropSettled(taskId: string, epoch: number, reason: DropReason, message: string): void {
    this.#ledger.events.pending -= 1;
    countDrop(this.#ledger.events.dropped, reason);
    this.#ended(taskId, false);
    this.#epochs.leave(epoch);
    this.#observers.dropped({ kind: 'event', reason, taskIds: [taskId], message });
  }

  isConfigured(): boolean {
    try {
      return this.#exporter.isConfigured?.() ?? true;
    } catch (error) {
      this.#observers.failed('isConfigured of the exporter', error, 'taken for true');
      return true;
    }
  }

  flag(flag: QueuedFlag): void {
    this.#flags.submit(flag);
  }

  stats(): Ledger {
    return structuredClone(this.#ledger);
  }

  /**
   * Resolves when all that settled before this call has been accepted by the server, dropped or
   * dead-lettered, or when the time is up; the ledger tells which. Never rejects.
   */
  async flush({ timeoutMs }: { timeoutMs: number }): Promise<Ledger> {
    await this.#drain(timeoutMs);
    return this.stats();
  }

  /** Flushes, then stops: what is left at the deadline is aborted and dropped as `shutdown`. */
  shutdown({ timeoutMs }: { timeoutMs: number }): Promise<Ledger> {
    this.#shutdown ??= this.#shutDown(timeoutMs);
    return this.#shutdown;
  }

  async #shutDown(timeoutMs: number): Promise<Ledger> {
    this.#offBeforeExit();
    this.#events.probeNow();
    this.#flags.probeNow();
    await this.#drain(timeoutMs);
    this.#events.close();
    this.#flags.close();
    this.#abort.abort();
    // Requests under way now fail, and their events are counted, before the ledger is read.
    await this.#drain(ABORT_GRACE_MS);
    try {
      await inTime(ABORT_GRACE_MS, this.#exporter.shutdown?.());
    } catch (error) {
      this.#observers.failed('shutdown of the exporter', error, 'ignored');
    }
    return this.stats();
  }

  /** Whether all that had settled came to its end in time. */
  #drain(timeoutMs: number): Promise<boolean> {
    return this.#events.hurry(() => inTime(timeoutMs, this.#epochs.settled()));
  }

  /** Once in vain is enough: a server that hangs must not keep the process alive round after round. */
  async #flushAtExit(): Promise<void> {
    if (await this.#drain(BEFORE_EXIT_MS)) return;
    this.#gaveUpAtExit = true;
    const { events, flags } = this.#ledger;
    const left = `${events.queued + events.inFlight} event(s) and ${flags.queued + flags.inFlight + flags.held} flag(s) are lost if the process ends now`;
    // A request under way would keep it alive. What it carries goes back to the queue.
    this.#abort.abort();
    this.#abort = new AbortController();
    const late = new Error(`the server did not take them within ${BEFORE_EXIT_MS} ms`);
    this.#observers.failed('the flush at the end of the process', late, left);
  }

  #ended(taskId: string, delivered: boolean): void {
    this.#tasks.set(taskId, delivered ? 'delivered' : 'lost');
    this.#flags.taskEnded(taskId, delivered);
  }
}

/** Tasks still being serialised, and an exporter whose shutdown hangs, get no more than this, milliseconds. */
const ABORT_GRACE_MS = 500;

/** Whether the work was done in time. Keeps the process alive meanwhile, for those who await it. */
async function inTime(timeoutMs: number, work: Promise<unknown> | undefined): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
