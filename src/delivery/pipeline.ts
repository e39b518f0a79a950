import { PhosphoRequestError } from '../errors.ts';
import { describeError } from '../internal/hooks.ts';
import { Circuit } from './circuit.ts';
import type { Epochs } from './epochs.ts';
import { type BatchLimits, EventQueue, type QueueLimits } from './event-queue.ts';
import type { DropReason, EventResult, Exporter, QueuedEvent } from './exporter.ts';
import { Lanes } from './lanes.ts';
import { countDrop, type EventLedger } from './ledger.ts';
import type { Observers } from './observers.ts';
import { judge } from './retry.ts';
import { untilAborted } from './until-aborted.ts';

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
  /** Aborts requests under way when the time of shutdown, or of the flush at exit, is up. */
  signal: () => AbortSignal;
}

/** From so many single events refused in a row on, the server is asked at the pace of a circuit that is open. */
const MAX_REFUSALS = 3;

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
  #soon: NodeJS.Immediate | undefined;
  #hurried = 0;
  #closed = false;
  /** Single events refused in a row: is it them, or does the server refuse everything? */
  #refusals = 0;

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
    if (this.#hurried === 0) this.#pump();
    else this.#pumpSoon();
  }

  /** While `work` runs, batches do not wait to fill. */
  async hurry<T>(work: () => Promise<T>): Promise<T> {
    this.#hurried += 1;
    try {
      const working = work();
      this.#pump();
      return await working;
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

  /** In a hurry too, what is serialised in one go travels in one batch. */
  #pumpSoon(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#pump();
    });
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
    const { exporter } = this.#parts;
    const signal = this.#parts.signal();
    const { era } = this.#circuit;
    let failure: { error: unknown } | undefined;
    let results: readonly EventResult[] = [];
    try {
      // A copy: the batch may have to be sent again, whatever the exporter does with its own.
      results = await untilAborted(() => exporter.export([...batch], signal), signal);
    } catch (error) {
      failure = { error };
    }
    if (failure) this.#failed(batch, failure.error, era);
    else this.#settle(batch, results, era);
    // The lane is free only after this promise has settled.
    setImmediate(() => this.#pump());
  }

  #settle(batch: readonly QueuedEvent[], results: readonly EventResult[], era: number): void {
    const { ledger, observers } = this.#parts;
    this.#circuit.succeed(era);
    this.#refusals = 0;
    observers.recovered('delivery');
    for (const [index, event] of batch.entries()) {
      // Hooks look at the ledger between one event and the next.
      ledger.inFlight -= 1;
      // An exporter that answers too little has taken the batch: it did not reject.
      const result = Array.isArray(results) ? results[index] : undefined;
      if (result?.ok !== false) {
        ledger.delivered += 1;
        this.#end(event, true);
        observers.accepted(event.taskId);
      } else if (result.reason === 'quota') {
        this.#drop([event], 'quota', describeError(result.message));
      } else {
        this.#deadLetter(event, describeError(result.message));
      }
    }
  }

  #failed(batch: QueuedEvent[], error: unknown, era: number): void {
    const { ledger, observers } = this.#parts;
    ledger.inFlight -= batch.length;
    if (this.#closed) {
      this.#drop(batch, 'shutdown', 'not delivered when shutdown() ran out of time');
      return;
    }
    const verdict = judge(error);
    if (verdict !== 'refuse') {
      this.#circuit.fail(error, era);
      ledger.queued += batch.length;
      this.#queue.giveBack(batch);
      if (verdict === 'hold') observers.held('delivery', error);
      else observers.failed('delivery', error, `${batch.length} event(s) kept`);
      return;
    }
    const [only] = batch;
    const isTooLarge = error instanceof PhosphoRequestError && error.status === 413;
    if (batch.length === 1 && !isTooLarge) this.#refusals += 1;
    // The server answered, so it is well, unless it refuses one after the other.
    if (this.#refusals < MAX_REFUSALS) this.#circuit.succeed(era);
    else this.#circuit.fail(error, era);
    if (batch.length === 1 && only) {
      this.#deadLetter(only, describeError(error));
      return;
    }
    // One of these events is bad. Halving finds it.
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
