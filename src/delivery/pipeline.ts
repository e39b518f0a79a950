import { Circuit } from './circuit.ts';
import type { Epochs } from './epochs.ts';
import { type BatchLimits, EventQueue, type QueueLimits } from './event-queue.ts';
import type { DropReason, EventResult, Exporter, QueuedEvent } from './exporter.ts';
import { Lanes } from './lanes.ts';
import { countDrop, type EventLedger } from './ledger.ts';
import type { Observers } from './observers.ts';
import { judge } from './retry.ts';

export interface PipelineSettings {
  queue: QueueLimits;
  batch: BatchLimits;
  /** Batches under way at once. */
  concurrency: number;
  /** An event that could not be delivered for so long is dropped, milliseconds. */
  maxAgeMs: number;
}

export interface PipelineParts {
  exporter: Exporter;
  ledger: EventLedger;
  epochs: Epochs;
  observers: Observers;
  /** Told of each event's end: the server has it, or never will. */
  onEnd: (taskId: string, delivered: boolean) => void;
  /** Aborts requests under way when shutdown's time is up. */
  signal: AbortSignal;
}

/**
 * Serialised events on their way to the exporter: queue, batches, retries. Each event ends in exactly one
 * of delivered, dead-lettered and dropped, and leaves its epoch then.
 */
export class Pipeline {
  readonly #settings: PipelineSettings;
  readonly #parts: PipelineParts;
  readonly #queue: EventQueue;
  readonly #circuit: Circuit;
  readonly #lanes: Lanes;
  #lingerTimer: NodeJS.Timeout | undefined;
  #hurried = 0;
  #closed = false;

  constructor(settings: PipelineSettings, parts: PipelineParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#queue = new EventQueue(settings.queue, settings.batch);
    this.#circuit = new Circuit(() => this.#pump());
    this.#lanes = new Lanes(settings.concurrency);
  }

  push(event: QueuedEvent): void {
    this.#parts.ledger.queued += 1;
    if (this.#closed) {
      this.#parts.ledger.queued -= 1;
      this.#drop([event], 'shutdown', 'it settled after shutdown()');
      return;
    }
    const evicted = this.#queue.push(event);
    if (evicted.length > 0) {
      this.#parts.ledger.queued -= evicted.length;
      this.#drop(evicted, 'queue_full', 'the queue is full: is the server down, or too slow?');
    }
    this.#pump();
  }

  /** While `work` runs, batches do not wait to fill. */
  async hurry(work: Promise<void>): Promise<void> {
    this.#hurried += 1;
    this.#pump();
    try {
      await work;
    } finally {
      this.#hurried -= 1;
    }
  }

  /** One attempt now, even if the circuit is open. */
  probeNow(): void {
    this.#circuit.hurry();
    this.#pump();
  }

  /** No more sends; what waits is dropped as `shutdown`. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#lingerTimer);
    this.#circuit.close();
    const waiting = this.#queue.clear();
    this.#parts.ledger.queued -= waiting.length;
    this.#drop(waiting, 'shutdown', 'not delivered when shutdown() ran out of time');
  }

  #pump(): void {
    if (this.#closed) return;
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    this.#expire();
    while (this.#lanes.busy < this.#circuit.slots(this.#settings.concurrency)) {
      const dueInMs = this.#queue.dueInMs(performance.now());
      if (dueInMs === undefined) return;
      if (dueInMs > 0 && this.#hurried === 0) {
        // From the oldest event on, so that steady traffic never postpones a batch.
        this.#lingerTimer = setTimeout(() => this.#pump(), Math.ceil(dueInMs));
        this.#lingerTimer.unref();
        return;
      }
      const batch = this.#queue.take();
      this.#parts.ledger.queued -= batch.length;
      this.#parts.ledger.inFlight += batch.length;
      this.#lanes.run(() => this.#send(batch));
    }
  }

  #expire(): void {
    const expired = this.#queue.expire(performance.now() - this.#settings.maxAgeMs);
    if (expired.length === 0) return;
    this.#parts.ledger.queued -= expired.length;
    this.#drop(expired, 'expired', `undeliverable for ${this.#settings.maxAgeMs} ms`);
  }

  async #send(batch: QueuedEvent[]): Promise<void> {
    const { exporter, ledger, signal } = this.#parts;
    try {
      const results = await exporter.export(batch, signal);
      ledger.inFlight -= batch.length;
      this.#circuit.succeed();
      this.#settle(batch, results);
    } catch (error) {
      ledger.inFlight -= batch.length;
      this.#failed(batch, error);
    }
    // The lane is free only after this promise has settled.
    setImmediate(() => this.#pump());
  }

  #settle(batch: readonly QueuedEvent[], results: readonly EventResult[]): void {
    for (const [index, event] of batch.entries()) {
      // An exporter that answers too few results has taken the batch: it did not reject.
      const result = results[index] ?? { ok: true };
      if (result.ok) {
        this.#parts.ledger.delivered += 1;
        this.#end(event, true);
        this.#parts.observers.accepted(event.taskId);
      } else if (result.reason === 'quota') {
        this.#drop([event], 'quota', result.message);
      } else {
        this.#deadLetter(event, result.message);
      }
    }
  }

  #failed(batch: QueuedEvent[], error: unknown): void {
    const { ledger, observers } = this.#parts;
    if (this.#closed) {
      this.#drop(batch, 'shutdown', 'not delivered when shutdown() ran out of time');
      return;
    }
    const verdict = judge(error);
    if (verdict !== 'refuse') {
      this.#circuit.fail(error);
      ledger.queued += batch.length;
      this.#queue.giveBack(batch);
      const hint = verdict === 'hold' ? 'kept; check the API key, project and base URL' : 'kept';
      observers.failed('delivery', error, `${batch.length} event(s) ${hint}`);
      return;
    }
    // The server answered, so it is well; one of these events is bad. Halving finds it.
    this.#circuit.succeed();
    const [only] = batch;
    if (batch.length === 1 && only) {
      this.#deadLetter(only, error instanceof Error ? error.message : String(error));
      return;
    }
    const half = batch.length >> 1;
    ledger.queued += batch.length;
    this.#queue.giveBack(batch.slice(0, half), batch.slice(half));
  }

  #deadLetter(event: QueuedEvent, message: string): void {
    this.#parts.ledger.deadLettered += 1;
    this.#end(event, false);
    this.#parts.observers.dropped({
      kind: 'event',
      reason: 'refused',
      taskIds: [event.taskId],
      message,
    });
  }

  #drop(events: readonly QueuedEvent[], reason: DropReason, message: string): void {
    if (events.length === 0) return;
    countDrop(this.#parts.ledger.dropped, reason, events.length);
    for (const event of events) this.#end(event, false);
    const taskIds = events.map((event) => event.taskId);
    this.#parts.observers.dropped({ kind: 'event', reason, taskIds, message });
  }

  #end(event: QueuedEvent, delivered: boolean): void {
    this.#parts.onEnd(event.taskId, delivered);
    this.#parts.epochs.leave(event.epoch);
  }
}
