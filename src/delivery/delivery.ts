import { setTimeout as delay } from 'node:timers/promises';
import { onBeforeExit } from '../internal/exit.ts';
import { inTime } from '../internal/in-time.ts';
import type { CircuitState } from './circuit.ts';
import { DeadLetters } from './dead-letters.ts';
import { Epochs } from './epochs.ts';
import type { Delivery, DropReason, Exporter, QueuedEvent, QueuedFlag } from './exporter.ts';
import { FlagPipeline, type FlagPipelineSettings } from './flag-pipeline.ts';
import { countDrop, emptyEventLedger, emptyFlagLedger, type Ledger } from './ledger.ts';
import { Meter } from './meter.ts';
import type { Observers } from './observers.ts';
import { Parked } from './parked.ts';
import { Pipeline, type PipelineSettings } from './pipeline.ts';
import type { SpoolSettings } from './spool/spool.ts';
import { SpoolStore } from './spool-store.ts';
import { type TaskState, TaskStates } from './task-states.ts';
import type { WaitingEvent } from './waiting.ts';

export interface DeliverySettings {
  events: PipelineSettings;
  flags: FlagPipelineSettings;
  /** An event in memory alone that could not be delivered for so long is dropped, milliseconds. */
  maxAgeMs: number;
  spool: SpoolSettings | undefined;
}

/** What delivery cannot do by itself. */
export interface DeliveryHelp {
  /** The JSON of an event in about so many characters; undefined: it cannot be made that short. */
  shorten(json: string, maxCharacters: number): string | undefined;
}

/** How long the flush at the process's natural end may take, milliseconds. */
const BEFORE_EXIT_MS = 5_000;

/** Taken now: a shutdown must not wait for the fake timers of a test that has ended. */
const realImmediate = setImmediate;

/** Everything between a settled task and the exporter: the ledger, both pipelines, flush and shutdown. */
export class BatchDelivery implements Delivery {
  readonly #settings: DeliverySettings;
  readonly #store: SpoolStore | undefined;
  readonly #deadLetters: DeadLetters | undefined;
  readonly meter: Meter = new Meter();
  readonly #ledger: Ledger = { events: emptyEventLedger(), flags: emptyFlagLedger() };
  readonly #epochs = new Epochs();
  readonly #tasks = new TaskStates();
  readonly #parked = new Parked();
  #abort = new AbortController();
  readonly #exporter: Exporter;
  readonly #observers: Observers;
  readonly #events: Pipeline;
  readonly #flags: FlagPipeline;
  readonly #offBeforeExit: () => void;
  #shutdown: Promise<Ledger> | undefined;
  #hasLostUnknown = false;
  #gaveUpAtExit = false;
  #isClosed = false;

  constructor(
    settings: DeliverySettings,
    exporter: Exporter,
    observers: Observers,
    help: DeliveryHelp,
  ) {
    this.#settings = settings;
    this.#exporter = exporter;
    this.#observers = observers;
    const { spool } = settings;
    const signal = (): AbortSignal => this.#abort.signal;
    const shared = { exporter, observers, epochs: this.#epochs, tasks: this.#tasks, signal };
    if (spool) {
      this.#deadLetters = new DeadLetters(spool.dir, (error) =>
        observers.failed('the dead-letter file', error, 'so a dead letter was only counted'),
      );
      this.#store = new SpoolStore(spool, {
        ...shared,
        ledger: this.#ledger,
        onBacklog: () => this.#events.nudge(),
        onFlags: (flags) => this.#flags.recover(flags),
        onLost: (taskId) => this.#ended(taskId, false),
        onUnknownLost: () => {
          this.#hasLostUnknown = true;
          // What is read along with it is not in the queue yet.
          queueMicrotask(() => this.#releaseFlags());
        },
      });
    }
    this.#flags = new FlagPipeline(settings.flags, {
      ...shared,
      ledger: this.#ledger.flags,
      store: this.#store,
      isConfigured: () => this.isConfigured(),
      onDeadLetter: (...letter) => this.#deadLetters?.addFlag(...letter),
    });
    this.#events = new Pipeline(settings.events, {
      ...shared,
      ledger: this.#ledger.events,
      meter: this.meter,
      backlog: this.#store,
      shorten: (event) => shortened(event, help),
      onEnd: (event, delivered) => {
        if (event.ref) this.#store?.end(event.ref);
        this.#ended(event.taskId, delivered);
        this.#releaseFlags();
      },
      onDeadLetter: (event, message) =>
        this.#deadLetters?.addEvent({ ...event, json: event.whole ?? event.json }, message),
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
    // Until here it is pending: both may call hooks, which may look at the ledger.
    this.#store?.makeRoom(event, { events: this.#events, flags: this.#flags });
    const ref = this.#store?.appendEvent(event);
    this.#ledger.events.pending -= 1;
    this.#tasks.set(event.taskId, 'queued');
    this.#flags.taskQueued(event.taskId, event.epoch);
    if (ref && this.#store && (this.#store.isBehind || !this.#events.hasRoom(event.bytes))) {
      this.#store.leaveOnDisk(ref, event);
      this.#events.nudge();
    } else {
      const { maxAgeMs, spool } = this.#settings;
      const expiresAt = event.settledAt + ((ref && spool?.maxAgeMs) ?? maxAgeMs);
      this.#events.push({ ...event, ref, expiresAt });
      if (this.#isClosed) return;
    }
    this.#observers.accepted(event.taskId);
  }

  park(event: QueuedEvent): void {
    if (this.#isClosed || this.#flags.isHolding(event.taskId)) {
      this.accept(event);
      return;
    }
    // The same id again: a caller's own, used twice.
    if (this.#parked.take(event.taskId)) this.#unparked([event.taskId]);
    this.#ledger.events.pending -= 1;
    this.#ledger.events.parked += 1;
    this.#tasks.set(event.taskId, 'parked');
    this.#epochs.leave(event.epoch);
    this.#unparked(this.#parked.add(event));
  }

  get circuits(): { events: CircuitState; flags: CircuitState } {
    return { events: this.#events.circuit.state, flags: this.#flags.circuit.state };
  }

  get queuedBytes(): number {
    return this.#events.queuedBytes;
  }

  dropSettled(taskId: string, epoch: number, reason: DropReason, message: string): void {
    this.#ledger.events.pending -= 1;
    countDrop(this.#ledger.events.dropped, reason);
    this.#ended(taskId, false);
    this.#epochs.leave(epoch);
    this.#observers.dropped({ kind: 'event', reason, taskIds: [taskId], count: 1, message });
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
    this.#sendParked(flag.taskId);
    this.#flags.submit(flag);
  }

  stats(): Ledger {
    const spool = this.#store?.stats;
    return { ...structuredClone(this.#ledger), ...(spool === undefined ? {} : { spool }) };
  }

  /** The process ends now: what is on disk stays there for the next one. */
  abandon(): void {
    this.#store?.close();
  }

  /**
   * Resolves when all that settled before this call has been accepted by the server, dropped or
   * dead-lettered, or when the time is up; the ledger tells which. Never rejects.
   */
  async flush({ timeoutMs }: { timeoutMs: number }): Promise<Ledger> {
    await this.#drain(timeoutMs);
    return this.stats();
  }

  /**
   * Flushes, then stops: what is left at the deadline is aborted; it stays in the spool, or is dropped as
   * `shutdown`. Does not wait for a time at which nothing more can come, as with a key that is refused.
   */
  shutdown({ timeoutMs }: { timeoutMs: number }): Promise<Ledger> {
    this.#shutdown ??= this.#shutDown(timeoutMs);
    return this.#shutdown;
  }

  async #shutDown(timeoutMs: number): Promise<Ledger> {
    this.#offBeforeExit();
    this.#events.probeNow();
    this.#flags.probeNow();
    const deadline = performance.now() + timeoutMs;
    // A server says that it is closed before the responses that it cut off do, and these are tasks, too.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => realImmediate(resolve));
    await this.#events.hurry(async () => {
      const settled = this.#epochs.settled().then(() => true);
      while (performance.now() < deadline && !this.#isStuckUntil(deadline)) {
        if (await inTime(Math.min(STUCK_CHECK_MS, deadline - performance.now()), settled)) break;
      }
    });
    this.#isClosed = true;
    this.#events.close();
    this.#flags.close();
    this.#unparked(this.#parked.clear());
    this.#abort.abort();
    // Requests under way now fail, and their events are counted, before the ledger is read.
    const grace = performance.now() + ABORT_GRACE_MS;
    while (this.#hasUncounted() && performance.now() < grace) await delay(UNCOUNTED_CHECK_MS);
    try {
      await inTime(ABORT_GRACE_MS, this.#exporter.shutdown?.());
    } catch (error) {
      this.#observers.failed('shutdown of the exporter', error, 'ignored');
    }
    this.#store?.close();
    return this.stats();
  }

  #isStuckUntil(deadline: number): boolean {
    const { events, flags } = this.#ledger;
    const areEventsStuck =
      events.queued + events.inFlight + events.spooled === 0 || this.#events.isStuckUntil(deadline);
    const areFlagsStuck = flags.queued + flags.inFlight === 0 || this.#flags.isStuckUntil(deadline);
    const isAll = events.queued + events.spooled + flags.queued + flags.held > 0;
    return events.pending === 0 && isAll && areEventsStuck && areFlagsStuck;
  }

  #hasUncounted(): boolean {
    const { events, flags } = this.#ledger;
    return events.pending + events.inFlight + flags.inFlight > 0;
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
    const eventsLeft = events.queued + events.inFlight + events.spooled;
    const flagsLeft = flags.queued + flags.inFlight + flags.held;
    const fate = this.#store ? 'stay in the spool for the next process' : 'are lost';
    const left = `${eventsLeft} event(s) and ${flagsLeft} flag(s) ${fate} if the process ends now`;
    // A request under way would keep it alive. What it carries goes back to the queue.
    this.#abort.abort();
    this.#abort = new AbortController();
    const late = new Error(`the server did not take them within ${BEFORE_EXIT_MS} ms`);
    this.#observers.failed('the flush at the end of the process', late, left);
  }

  /** Flags that are held for tasks that were lost with their ids: all others are in memory by now. */
  #releaseFlags(): void {
    if (!this.#hasLostUnknown || this.#store?.hasUnread || this.#isClosed) return;
    this.#hasLostUnknown = false;
    const waiting = new Set(this.#events.taskIds());
    this.#flags.stopHolding((taskId) => !waiting.has(taskId));
  }

  /** Somebody has something to say of a task that was left out. */
  #sendParked(taskId: string): void {
    if (this.#isClosed || !this.#parked.has(taskId) || !this.isConfigured()) return;
    const event = this.#parked.take(taskId);
    if (event === undefined) return;
    this.#ledger.events.parked -= 1;
    this.#ledger.events.pending += 1;
    this.accept({ ...event, epoch: this.#epochs.enter(), settledAt: performance.now() });
  }

  /** They will not be sent any more. */
  #unparked(taskIds: readonly string[]): void {
    if (taskIds.length === 0) return;
    this.#ledger.events.parked -= taskIds.length;
    countDrop(this.#ledger.events.dropped, 'sampled', taskIds.length);
    for (const taskId of taskIds) this.#ended(taskId, false);
  }

  #ended(taskId: string, delivered: boolean): void {
    this.#tasks.set(taskId, delivered ? 'delivered' : 'lost');
    this.#flags.taskEnded(taskId, delivered);
  }
}

/** How often a shutdown looks whether it is of any use to wait on, milliseconds. */
const STUCK_CHECK_MS = 25;

/** How often it looks whether all that was aborted has been counted, milliseconds. */
const UNCOUNTED_CHECK_MS = 5;

/** Below this many characters an event is not shortened any further: it is not its size that the server minds. */
const MIN_SHORTENED = 1_024;

/** A quarter at most: a server that takes megabytes but not this event is found in a few steps. */
function shortened(event: WaitingEvent, help: DeliveryHelp): WaitingEvent | undefined {
  if (event.json.length <= MIN_SHORTENED) return undefined;
  try {
    const json = help.shorten(event.json, Math.max(MIN_SHORTENED, event.json.length >> 2));
    if (json === undefined || json.length >= event.json.length) return undefined;
    return { ...event, json, bytes: Buffer.byteLength(json), whole: event.whole ?? event.json };
  } catch {
    return undefined;
  }
}

/** Tasks still being serialised, and an exporter whose shutdown hangs, get no more than this, milliseconds. */
const ABORT_GRACE_MS = 500;
