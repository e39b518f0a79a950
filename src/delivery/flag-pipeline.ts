import { createHash } from 'node:crypto';
import { PhosphoRequestError } from '../errors.ts';
import { BoundedMap } from '../internal/bounded-map.ts';
import { describeError } from '../internal/hooks.ts';
import { Circuit } from './circuit.ts';
import type { Epochs } from './epochs.ts';
import type { DropReason, Exporter, QueuedFlag } from './exporter.ts';
import { Lanes } from './lanes.ts';
import { countDrop, type FlagLedger } from './ledger.ts';
import type { Observers } from './observers.ts';
import { judge } from './retry.ts';
import type { SpoolRef } from './spool/spool.ts';
import type { TaskStates } from './task-states.ts';
import { untilAborted } from './until-aborted.ts';

export interface FlagPipelineSettings {
  /** Flags held and queued; beyond it the oldest is dropped. */
  maxFlags: number;
  concurrency: number;
  maxAgeMs: number;
}

/** Keeps flags on disk until they have ended. */
export interface FlagStore {
  append(flag: QueuedFlag): SpoolRef | undefined;
  /** Writes it anew, so that its old place can go; returns where it is then. */
  move(flag: QueuedFlag, from: SpoolRef): SpoolRef;
  end(ref: SpoolRef): void;
}

export interface FlagPipelineParts {
  exporter: Exporter;
  ledger: FlagLedger;
  epochs: Epochs;
  observers: Observers;
  tasks: TaskStates;
  store: FlagStore | undefined;
  isConfigured: () => boolean;
  onDeadLetter: (flag: QueuedFlag, reason: 'refused' | 'task_lost', message: string) => void;
  signal: () => AbortSignal;
}

interface Entry {
  readonly flag: QueuedFlag;
  /** None while its task is open: a flush does not wait for a task that has not settled. */
  epoch: number | undefined;
  readonly givenAt: number;
  ref: SpoolRef | undefined;
}

/**
 * Verdicts on their way. A flag for a task that is still under way is held until the server has the task;
 * the last flag of a task wins; one equal to what was sent last is not sent again.
 */
export class FlagPipeline {
  readonly #settings: FlagPipelineSettings;
  readonly #parts: FlagPipelineParts;
  readonly #held = new Map<string, Entry>();
  readonly #queued = new Map<string, Entry>();
  readonly #inFlight = new Set<string>();
  readonly #sent = new BoundedMap<string, string>(10_000);
  /** Tasks that were flagged in this process: later than whatever comes from the spool of another. */
  readonly #given = new BoundedMap<string, true>(10_000);
  readonly #circuit: Circuit;
  readonly #lanes: Lanes;
  #closed = false;

  constructor(settings: FlagPipelineSettings, parts: FlagPipelineParts) {
    this.#settings = settings;
    this.#parts = parts;
    this.#circuit = new Circuit(() => this.#pump());
    this.#lanes = new Lanes(settings.concurrency);
  }

  submit(flag: QueuedFlag): void {
    const { ledger, epochs, tasks } = this.#parts;
    // Asked first: both may call a hook, which may look at the ledger.
    const isConfigured = this.#parts.isConfigured();
    const state = tasks.get(flag.taskId);
    const isWanted = isConfigured && state !== 'lost' && !this.#closed;
    const ref = isWanted ? this.#parts.store?.append(flag) : undefined;
    ledger.captured += 1;
    this.#given.set(flag.taskId, true);
    const epoch = state === 'open' ? undefined : epochs.enter();
    const entry: Entry = { flag, epoch, givenAt: performance.now(), ref };
    if (this.#closed) {
      this.#drop(entry, 'shutdown', 'it was given after shutdown()');
      return;
    }
    if (state === 'lost') {
      this.#lost(entry);
      return;
    }
    if (!isConfigured) {
      this.#drop(entry, 'unconfigured', 'no API key or no project: set both to record flags');
      return;
    }
    this.#take(entry);
  }

  /** Flags that an earlier process has left in the spool, in the order in which they were given. */
  recover(flags: readonly { flag: QueuedFlag; ref: SpoolRef }[]): void {
    const last = new Map(flags.map(({ flag, ref }) => [flag.taskId, ref]));
    for (const { flag, ref } of flags) {
      const { taskId } = flag;
      this.#parts.ledger.recovered += 1;
      const epoch = this.#parts.epochs.enter();
      const entry: Entry = { flag, epoch, givenAt: performance.now(), ref };
      if (last.get(taskId) !== ref || this.#given.get(taskId)) {
        this.#drop(entry, 'superseded', 'a later flag for the task came');
      } else this.#take(entry);
    }
  }

  /** What waits in one place on disk is written to another. */
  moveOut(isMeant: (ref: SpoolRef) => boolean): void {
    for (const entry of [...this.#held.values(), ...this.#queued.values()]) {
      if (entry.ref && isMeant(entry.ref)) {
        entry.ref = this.#parts.store?.move(entry.flag, entry.ref);
      }
    }
  }

  /** Nobody will tell of the end of these tasks: the server is asked about them. */
  stopHolding(isMeant: (taskId: string) => boolean): void {
    const { ledger, tasks } = this.#parts;
    for (const [taskId, entry] of [...this.#held]) {
      if (tasks.get(taskId) === 'open' || !isMeant(taskId)) continue;
      this.#held.delete(taskId);
      tasks.forget(taskId);
      ledger.held -= 1;
      ledger.queued += 1;
      this.#queued.set(taskId, entry);
    }
    this.#pump();
  }

  #take(entry: Entry): void {
    const { ledger, tasks } = this.#parts;
    const { taskId } = entry.flag;
    const state = tasks.get(taskId);
    this.#supersede(taskId);
    if (state === 'open' || state === 'queued') {
      ledger.held += 1;
      this.#held.set(taskId, entry);
    } else {
      ledger.queued += 1;
      this.#queued.set(taskId, entry);
    }
    this.#makeRoom();
    this.#pump();
  }

  /** Whether a flag waits for this task. */
  isHolding(taskId: string): boolean {
    return this.#held.has(taskId);
  }

  /** The task has settled and is on its way: whoever waits for it also waits for its flag. */
  taskQueued(taskId: string, epoch: number): void {
    const entry = this.#held.get(taskId);
    if (entry) entry.epoch ??= this.#parts.epochs.enter(epoch);
  }

  /** The task's end: what is held for it may go, or has become pointless. */
  taskEnded(taskId: string, delivered: boolean): void {
    const entry = this.#held.get(taskId);
    if (entry === undefined) return;
    this.#held.delete(taskId);
    this.#parts.ledger.held -= 1;
    if (!delivered) {
      this.#lost(entry);
      return;
    }
    this.#parts.ledger.queued += 1;
    this.#queued.set(taskId, entry);
    this.#pump();
  }

  get circuit(): Circuit {
    return this.#circuit;
  }

  /** One attempt now, even if the circuit is open. */
  probeNow(): void {
    this.#circuit.hurry();
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#circuit.close();
    this.#parts.ledger.held -= this.#held.size;
    this.#parts.ledger.queued -= this.#queued.size;
    const waiting = [...this.#held.values(), ...this.#queued.values()];
    this.#held.clear();
    this.#queued.clear();
    for (const entry of waiting) this.#giveUp(entry);
  }

  /** Delivery has been shut down. */
  #giveUp(entry: Entry): void {
    if (entry.ref === undefined) {
      this.#drop(entry, 'shutdown', 'not delivered when shutdown() ran out of time');
      return;
    }
    this.#parts.ledger.spooled += 1;
    if (entry.epoch !== undefined) this.#parts.epochs.leave(entry.epoch);
  }

  /** Whether nothing will happen before the given time of the monotonic clock. */
  isStuckUntil(time: number): boolean {
    return this.#lanes.busy === 0 && this.#circuit.slots(1, time) === 0;
  }

  #pump(): void {
    if (this.#closed) return;
    for (const [taskId, entry] of this.#queued) {
      if (this.#lanes.busy >= this.#circuit.slots(this.#settings.concurrency)) return;
      // Two flags of one task must not overtake each other.
      if (this.#inFlight.has(taskId)) continue;
      this.#queued.delete(taskId);
      this.#parts.ledger.queued -= 1;
      if (this.#sent.get(taskId) === keyOf(entry.flag)) {
        this.#drop(entry, 'duplicate', 'the same flag has been sent');
        continue;
      }
      if (performance.now() - entry.givenAt > this.#settings.maxAgeMs) {
        this.#drop(entry, 'expired', `undeliverable for ${this.#settings.maxAgeMs} ms`);
        continue;
      }
      this.#parts.ledger.inFlight += 1;
      this.#inFlight.add(taskId);
      // Until it is answered nobody knows which flag the server has: the last one may have to be sent again.
      this.#sent.delete(taskId);
      this.#lanes.run(() => this.#send(entry));
    }
  }

  async #send(entry: Entry): Promise<void> {
    const { exporter, ledger, observers } = this.#parts;
    const signal = this.#parts.signal();
    const { era } = this.#circuit;
    const { taskId } = entry.flag;
    try {
      await untilAborted(() => exporter.flag(entry.flag, signal), signal);
      this.#leaveFlight(taskId);
      this.#circuit.succeed(era);
      observers.recovered('flag');
      this.#sent.set(taskId, keyOf(entry.flag));
      ledger.delivered += 1;
      this.#end(entry);
    } catch (error) {
      this.#leaveFlight(taskId);
      this.#failed(entry, error, era);
    }
    setImmediate(() => this.#pump());
  }

  #failed(entry: Entry, error: unknown, era: number): void {
    const { ledger, observers } = this.#parts;
    if (this.#closed) {
      this.#giveUp(entry);
      return;
    }
    // A 404 is about the task: the server has waited for it, and it did not come.
    const unknownTask = error instanceof PhosphoRequestError && error.status === 404;
    const verdict = unknownTask ? 'refuse' : judge(error);
    if (verdict === 'refuse') {
      this.#circuit.succeed(era);
      this.#deadLetter(entry, 'refused', describeError(error));
      return;
    }
    this.#circuit.fail(error, era);
    if (this.#queued.has(entry.flag.taskId) || this.#held.has(entry.flag.taskId)) {
      this.#drop(entry, 'superseded', 'a later flag for the task is waiting');
    } else {
      ledger.queued += 1;
      this.#queued.set(entry.flag.taskId, entry);
    }
    if (verdict === 'hold') observers.held('flag', error);
    else observers.failed('flag', error, 'kept');
  }

  #leaveFlight(taskId: string): void {
    this.#inFlight.delete(taskId);
    this.#parts.ledger.inFlight -= 1;
  }

  #supersede(taskId: string): void {
    const waiting = this.#held.get(taskId) ?? this.#queued.get(taskId);
    if (waiting === undefined) return;
    if (this.#held.delete(taskId)) this.#parts.ledger.held -= 1;
    if (this.#queued.delete(taskId)) this.#parts.ledger.queued -= 1;
    this.#drop(waiting, 'superseded', 'a later flag for the task came');
  }

  #makeRoom(): void {
    if (this.#held.size + this.#queued.size <= this.#settings.maxFlags) return;
    const [held] = this.#held.values();
    const [queued] = this.#queued.values();
    const oldest = held && queued && held.givenAt > queued.givenAt ? queued : (held ?? queued);
    if (oldest === undefined) return;
    if (this.#held.delete(oldest.flag.taskId)) this.#parts.ledger.held -= 1;
    else if (this.#queued.delete(oldest.flag.taskId)) this.#parts.ledger.queued -= 1;
    this.#drop(oldest, 'queue_full', 'too many flags are waiting');
  }

  #lost(entry: Entry): void {
    this.#deadLetter(entry, 'task_lost', 'its task was not delivered');
  }

  #deadLetter(entry: Entry, reason: 'refused' | 'task_lost', message: string): void {
    this.#parts.ledger.deadLettered += 1;
    this.#parts.onDeadLetter(entry.flag, reason, message);
    this.#end(entry);
    const taskIds = [entry.flag.taskId];
    this.#parts.observers.dropped({ kind: 'flag', reason, taskIds, count: 1, message });
  }

  #drop(entry: Entry, reason: DropReason, message: string): void {
    countDrop(this.#parts.ledger.dropped, reason);
    this.#end(entry);
    const taskIds = [entry.flag.taskId];
    this.#parts.observers.dropped({ kind: 'flag', reason, taskIds, count: 1, message });
  }

  #end({ epoch, ref }: Entry): void {
    if (ref !== undefined) this.#parts.store?.end(ref);
    if (epoch !== undefined) this.#parts.epochs.leave(epoch);
  }
}

/** A hash: ten thousand long notes are not kept for it. */
function keyOf({ flag, source, notes }: QueuedFlag): string {
  const text = JSON.stringify([flag, source, notes]);
  return createHash('sha256').update(text).digest('base64');
}
