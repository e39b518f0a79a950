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
  readonly #abort = new AbortController();
  readonly #exporter: Exporter;
  readonly #observers: Observers;
  readonly #events: Pipeline;
  readonly #flags: FlagPipeline;
  readonly #offBeforeExit: () => void;
  #shutdown: Promise<Ledger> | undefined;

  constructor(settings: DeliverySettings, exporter: Exporter, observers: Observers) {
    this.#exporter = exporter;
    this.#observers = observers;
    const shared = { exporter, observers, epochs: this.#epochs, signal: this.#abort.signal };
    this.#flags = new FlagPipeline(settings.flags, {
      ...shared,
      ledger: this.#ledger.flags,
      tasks: this.#tasks,
    });
    this.#events = new Pipeline(settings.events, {
      ...shared,
      ledger: this.#ledger.events,
      onEnd: (taskId, delivered) => this.#ended(taskId, delivered),
    });
    this.#offBeforeExit = onBeforeExit(() =>
      this.#epochs.isEmpty ? undefined : this.flush({ timeoutMs: BEFORE_EXIT_MS }),
    );
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
    return this.#exporter.isConfigured?.() ?? true;
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
    let timer: NodeJS.Timeout | undefined;
    // This timer is not unref'd: it keeps the process alive for those who await the flush.
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await this.#events.hurry(Promise.race([this.#epochs.settled(), deadline]));
    clearTimeout(timer);
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
    await this.flush({ timeoutMs });
    this.#events.close();
    this.#flags.close();
    this.#abort.abort();
    // Requests under way now fail, and their events are counted, before the ledger is read.
    await this.flush({ timeoutMs: ABORT_GRACE_MS });
    try {
      await this.#exporter.shutdown?.();
    } catch (error) {
      this.#observers.failed('shutdown of the exporter', error, 'ignored');
    }
    return this.stats();
  }

  #ended(taskId: string, delivered: boolean): void {
    this.#tasks.set(taskId, delivered ? 'delivered' : 'lost');
    this.#flags.taskEnded(taskId, delivered);
  }
}

/** An exporter that ignores its signal gets no more than this, milliseconds. */
const ABORT_GRACE_MS = 500;
