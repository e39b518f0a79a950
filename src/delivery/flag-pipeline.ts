import { PhosphoRequestError } from '../errors.ts';
import { BoundedMap } from '../internal/bounded-map.ts';
import { Circuit } from './circuit.ts';
import type { Epochs } from './epochs.ts';
import type { DropReason, Exporter, QueuedFlag } from './exporter.ts';
import { Lanes } from './lanes.ts';
import { countDrop, type FlagLedger } from './ledger.ts';
import type { Observers } from './observers.ts';
import { judge } from './retry.ts';
import type { TaskStates } from './task-states.ts';

export interface FlagPipelineSettings {
  /** Flags held and queued; beyond it the oldest is dropped. */
  maxFlags: number;
  concurrency: number;
  maxAgeMs: number;
}

export interface FlagPipelineParts {
  exporter: Exporter;
  ledger: FlagLedger;
  epochs: Epochs;
  observers: Observers;
  tasks: TaskStates;
  signal: AbortSignal;
}

interface Entry {
  flag: QueuedFlag;
  readonly epoch: number;
  readonly givenAt: number;
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
    ledger.captured += 1;
    const entry: Entry = { flag, epoch: epochs.enter(), givenAt: performance.now() };
    if (this.#closed) {
      this.#drop(entry, 'shutdown', 'it was given after shutdown()');
      return;
    }
    const state = tasks.get(flag.taskId);
    if (state === 'lost') {
      this.#lost(entry);
      return;
    }
    this.#supersede(flag.taskId);
    if (state === 'open') {
      ledger.held += 1;
      this.#held.set(flag.taskId, entry);
    } else {
      ledger.queued += 1;
      this.#queued.set(flag.taskId, entry);
    }
    this.#makeRoom();
    this.#pump();
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
    for (const entry of waiting) {
      this.#drop(entry, 'shutdown', 'not delivered when shutdown() ran out of time');
    }
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
      this.#lanes.run(() => this.#send(entry));
    }
  }

  async #send(entry: Entry): Promise<void> {
    const { exporter, ledger, epochs, signal } = this.#parts;
    const { taskId } = entry.flag;
    try {
      await exporter.flag(entry.flag, signal);
      this.#leaveFlight(taskId);
      this.#circuit.succeed();
      this.#sent.set(taskId, keyOf(entry.flag));
      ledger.delivered += 1;
      epochs.leave(entry.epoch);
    } catch (error) {
      this.#leaveFlight(taskId);
      this.#failed(entry, error);
    }
    setImmediate(() => this.#pump());
  }

  #failed(entry: Entry, error: unknown): void {
    const { ledger, observers } = this.#parts;
    if (this.#closed) {
      this.#drop(entry, 'shutdown', 'not delivered when shutdown() ran out of time');
      return;
    }
    // A 404 is about the task: the server has waited for it, and it did not come.
    const unknownTask = error instanceof PhosphoRequestError && error.status === 404;
    const verdict = unknownTask ? 'refuse' : judge(error);
    if (verdict === 'refuse') {
      this.#circuit.succeed();
      this.#deadLetter(entry, 'refused', error instanceof Error ? error.message : String(error));
      return;
    }
    this.#circuit.fail(error);
    observers.failed('flag', error, 'kept');
    if (this.#queued.has(entry.flag.taskId)) {
      this.#drop(entry, 'superseded', 'a later flag for the task is waiting');
      return;
    }
    ledger.queued += 1;
    this.#queued.set(entry.flag.taskId, entry);
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
    const [oldest] = this.#held.size > 0 ? this.#held.values() : this.#queued.values();
    if (oldest === undefined) return;
    if (this.#held.delete(oldest.flag.taskId)) this.#parts.ledger.held -= 1;
    else if (this.#queued.delete(oldest.flag.taskId)) this.#parts.ledger.queued -= 1;
    this.#drop(oldest, 'queue_full', 'too many flags are waiting');
  }

  #lost(entry: Entry): void {
    this.#deadLetter(entry, 'task_lost', 'its task was not delivered');
  }

  #deadLetter({ flag, epoch }: Entry, reason: 'refused' | 'task_lost', message: string): void {
    this.#parts.ledger.deadLettered += 1;
    this.#parts.epochs.leave(epoch);
    this.#parts.observers.dropped({ kind: 'flag', reason, taskIds: [flag.taskId], message });
  }

  #drop({ flag, epoch }: Entry, reason: DropReason, message: string): void {
    countDrop(this.#parts.ledger.dropped, reason);
    this.#parts.epochs.leave(epoch);
    this.#parts.observers.dropped({ kind: 'flag', reason, taskIds: [flag.taskId], message });
  }
}

function keyOf({ flag, source, notes }: QueuedFlag): string {
  return JSON.stringify([flag, source, notes]);
}
