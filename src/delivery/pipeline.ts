import { PhosphoRequestError } from '../errors.ts';
import { describeError } from '../internal/hooks.ts';
import { Circuit } from './circuit.ts';
import type { Epochs } from './epochs.ts';
import { type BatchLimits, EventQueue, type QueueLimits } from './event-queue.ts';
import type { DropReason, EventResult, Exporter } from './exporter.ts';
import { Lanes } from './lanes.ts';
import { countDrop, type EventLedger } from './ledger.ts';
import type { Meter } from './meter.ts';
import type { Observers } from './observers.ts';
import { judge } from './retry.ts';
import { untilAborted } from './until-aborted.ts';
import type { EndingEvent, WaitingEvent } from './waiting.ts';

export interface PipelineSettings {
  queue: QueueLimits;
  batch: BatchLimits;
  /** Batches under way at once. */
  concurrency: number;
}

/** Events that are on disk alone. */
export interface Backlog {
  readonly hasUnread: boolean;
  read(maxEvents: number, maxBytes: number): WaitingEvent[];
}

export interface PipelineParts {
  exporter: Exporter;
  ledger: EventLedger;
  epochs: Epochs;
  observers: Observers;
  meter: Meter;
  backlog: Backlog | undefined;
  /** A smaller form of an event that the server found too large; undefined: it cannot be any smaller. */
  shorten: (event: WaitingEvent) => WaitingEvent | undefined;
  /** Told of each event's end: the server has it, or never will. */
  onEnd: (event: EndingEvent, delivered: boolean) => void;
  onDeadLetter: (event: WaitingEvent, message: string) => void;
  /** Aborts requests under way when the time of shutdown, or of the flush at exit, is up. */
  signal: () => AbortSignal;
}

/** From so many single events refused in a row on, the server is asked at the pace of a circuit that is open. */
const MAX_REFUSALS = 3;

/** After so many batches that the server took, larger ones are tried again. */
const BATCHES_UNTIL_GROWTH = 50;

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
  readonly #inFlight = new Set<readonly WaitingEvent[]>();
  #lingerTimer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;
  #hurried = 0;
  #closed = false;
  /** Single events refused in a row: is it them, or does the server refuse everything? */
  #refusals = 0;
  #sinceShrunk = 0;

  constructor(settings: PipelineSettings, parts: PipelineParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#queue = new EventQueue(settings.queue, settings.batch);
    this.#circuit = new Circuit(() => this.#pump());
    this.#lanes = new Lanes(settings.concurrency);
  }

  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  get circuit(): Circuit {
    return this.#circuit;
  }

  /** Whether nothing will happen before the given time of the monotonic clock. */
  isStuckUntil(time: number): boolean {
    return this.#lanes.busy === 0 && this.#circuit.slots(1, time) === 0;
  }

  /** Whether the queue takes an event of so many bytes without dropping another. */
  hasRoom(bytes: number): boolean {
    return !this.#closed && this.#queue.hasRoom(bytes);
  }

  push(event: WaitingEvent): void {
    this.#parts.ledger.queued += 1;
    if (this.#closed) {
      this.#parts.ledger.queued -= 1;
      this.#drop([event], 'shutdown', 'it settled after shutdown()');
      return;
    }
    this.#dropExcess(this.#queue.push(event));
    this.nudge();
  }

  #dropExcess(evicted: readonly EndingEvent[]): void {
    this.#parts.ledger.queued -= evicted.length;
    this.#drop(evicted, 'queue_full', 'the queue is full: is the server down, or too slow?');
  }

  /** What waits in memory, and what is in requests. */
  *taskIds(): Generator<string> {
    yield* this.#queue.taskIds();
    for (const batch of this.#inFlight) for (const { taskId } of batch) yield taskId;
  }

  /** There may be something to send. */
  nudge(): void {
    if (this.#hurried === 0) this.#pump();
    else this.#pumpSoon();
  }

  /** Drops what waits and is meant. */
  evict(isMeant: (event: EndingEvent) => boolean, reason: DropReason, message: string): void {
    const evicted = this.#queue.remove(isMeant);
    this.#parts.ledger.queued -= evicted.length;
    this.#drop(evicted, reason, message);
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

  /** No more sends; what waits stays on disk, or is dropped as `shutdown`. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#lingerTimer);
    this.#circuit.close();
    const waiting = this.#queue.clear();
    this.#parts.ledger.queued -= waiting.length;
    this.#giveUp(waiting);
  }

  /** Delivery has been shut down. */
  #giveUp(events: readonly EndingEvent[]): void {
    const kept = events.filter(({ ref }) => ref !== undefined);
    this.#parts.ledger.spooled += kept.length;
    for (const { epoch } of kept) this.#parts.epochs.leave(epoch);
    const rest = events.filter(({ ref }) => ref === undefined);
    this.#drop(rest, 'shutdown', 'not delivered when shutdown() ran out of time');
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
      this.#refill();
      const dueInMs = this.#queue.dueInMs(performance.now());
      if (dueInMs === undefined) {
        // All that was read back had expired, and there is more.
        if (this.#parts.backlog?.hasUnread) this.#pumpSoon();
        return;
      }
      if (dueInMs > 0 && this.#hurried === 0) {
        // From the oldest event on, so that steady traffic never postpones a batch.
        this.#lingerTimer = setTimeout(() => this.#pump(), Math.ceil(dueInMs));
        this.#lingerTimer.unref();
        return;
      }
      const batch = this.#queue.take();
      this.#parts.ledger.queued -= batch.length;
      this.#parts.ledger.inFlight += batch.length;
      this.#inFlight.add(batch);
      this.#lanes.run(() => this.#send(batch));
    }
  }

  /** Reads a few batches ahead: memory holds what is about to be sent, the disk the rest. */
  #refill(): void {
    const { backlog, ledger } = this.#parts;
    if (!backlog?.hasUnread) return;
    const { batch, queue, concurrency } = this.#settings;
    const ahead = 2 * concurrency;
    const room = Math.min(ahead * batch.maxEvents, queue.maxEvents) - this.#queue.count;
    const bytes = Math.min(ahead * batch.maxBytes, queue.maxBytes) - this.#queue.bytes;
    if (room <= 0 || bytes <= 0) return;
    const events = backlog.read(room, bytes);
    ledger.spooled -= events.length;
    ledger.queued += events.length;
    for (const event of events) this.#queue.restore(event);
    this.#expire();
  }

  #expire(): void {
    const expired = this.#queue.expire(performance.now());
    if (expired.length === 0) return;
    this.#parts.ledger.queued -= expired.length;
    this.#drop(expired, 'expired', 'undeliverable for longer than its age limit');
  }

  async #send(batch: WaitingEvent[]): Promise<void> {
    const { exporter } = this.#parts;
    const signal = this.#parts.signal();
    const { era } = this.#circuit;
    const startedAt = performance.now();
    let failure: { error: unknown } | undefined;
    let results: readonly EventResult[] = [];
    try {
      // A copy: the batch may have to be sent again, whatever the exporter does with its own.
      results = await untilAborted(() => exporter.export([...batch], signal), signal);
    } catch (error) {
      failure = { error };
    }
    this.#parts.meter.batch(batch, performance.now() - startedAt, failure);
    if (failure) this.#failed(batch, failure.error, era);
    else this.#settle(batch, results, era);
    this.#inFlight.delete(batch);
    // The lane is free only after this promise has settled.
    setImmediate(() => this.#pump());
  }

  #settle(batch: readonly WaitingEvent[], results: readonly EventResult[], era: number): void {
    const { ledger, observers } = this.#parts;
    this.#circuit.succeed(era);
    this.#refusals = 0;
    this.#growBatches();
    observers.recovered('delivery');
    for (const [index, event] of batch.entries()) {
      // Hooks look at the ledger between one event and the next.
      ledger.inFlight -= 1;
      // An exporter that answers too little has taken the batch: it did not reject.
      const result = Array.isArray(results) ? results[index] : undefined;
      if (result?.ok !== false) {
        ledger.delivered += 1;
        this.#end(event, true);
        observers.delivered(event.taskId);
      } else if (result.reason === 'quota') {
        this.#drop([event], 'quota', describeError(result.message));
      } else {
        this.#deadLetter(event, describeError(result.message));
      }
    }
  }

  #failed(batch: WaitingEvent[], error: unknown, era: number): void {
    const { ledger, observers } = this.#parts;
    ledger.inFlight -= batch.length;
    if (this.#closed) {
      this.#giveUp(batch);
      return;
    }
    const verdict = judge(error);
    if (verdict !== 'refuse') {
      this.#circuit.fail(error, era);
      ledger.queued += batch.length;
      this.#queue.giveBack(batch);
      // What came back is the oldest; what is on disk too has its room there.
      if (this.#parts.backlog === undefined) this.#dropExcess(this.#queue.trim());
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
      const shorter = isTooLarge ? this.#parts.shorten(only) : undefined;
      if (shorter === undefined) {
        this.#deadLetter(only, describeError(error));
        return;
      }
      ledger.queued += 1;
      this.#queue.giveBack([shorter]);
      only.release?.();
      return;
    }
    if (isTooLarge) this.#shrinkBatches(batch);
    // One of these events is bad. Halving finds it.
    const half = batch.length >> 1;
    ledger.queued += batch.length;
    this.#queue.giveBack(batch.slice(0, half), batch.slice(half));
  }

  /** The server says how much it takes only by refusing more: the next batches are smaller from the start. */
  #shrinkBatches(batch: readonly WaitingEvent[]): void {
    const bytes = batch.reduce((sum, event) => sum + event.bytes, 0);
    this.#queue.batchBytes = Math.min(this.#queue.batchBytes, bytes >> 1);
    this.#sinceShrunk = 0;
  }

  #growBatches(): void {
    this.#sinceShrunk += 1;
    if (this.#sinceShrunk % BATCHES_UNTIL_GROWTH !== 0) return;
    const { maxBytes } = this.#settings.batch;
    this.#queue.batchBytes = Math.min(maxBytes, this.#queue.batchBytes * 2);
  }

  #deadLetter(event: WaitingEvent, message: string): void {
    this.#parts.ledger.deadLettered += 1;
    this.#parts.onDeadLetter(event, message);
    this.#end(event, false);
    this.#parts.observers.dropped({
      kind: 'event',
      reason: 'refused',
      taskIds: [event.taskId],
      count: 1,
      message,
    });
  }

  #drop(events: readonly EndingEvent[], reason: DropReason, message: string): void {
    if (events.length === 0) return;
    countDrop(this.#parts.ledger.dropped, reason, events.length);
    for (const event of events) this.#end(event, false);
    const taskIds = events.map((event) => event.taskId);
    this.#parts.observers.dropped({
      kind: 'event',
      reason,
      taskIds,
      count: events.length,
      message,
    });
  }

  #end(event: EndingEvent, delivered: boolean): void {
    this.#parts.onEnd(event, delivered);
    this.#parts.epochs.leave(event.epoch);
    event.release?.();
  }
}
