import type { Epochs } from './epochs.ts';
import type { DropReason, QueuedEvent, QueuedFlag } from './exporter.ts';
import type { FlagPipeline, FlagStore } from './flag-pipeline.ts';
import { countDrop, type Ledger } from './ledger.ts';
import type { Observers } from './observers.ts';
import type { Backlog, Pipeline } from './pipeline.ts';
import type { Segment } from './spool/segment.ts';
import {
  Spool,
  type SpooledEvent,
  type SpooledFlag,
  type SpoolListener,
  type SpoolRef,
  type SpoolSettings,
} from './spool/spool.ts';
import type { TaskStates } from './task-states.ts';
import type { WaitingEvent } from './waiting.ts';

export interface SpoolStoreParts {
  ledger: Ledger;
  epochs: Epochs;
  tasks: TaskStates;
  observers: Observers;
  /** Events that another process has left can be read. */
  onBacklog: () => void;
  onFlags: (flags: readonly { flag: QueuedFlag; ref: SpoolRef }[]) => void;
  /** An event that was on disk alone will not be delivered. */
  onLost: (taskId: string) => void;
  /** Events whose ids nobody knows will not be delivered, not by this process. */
  onUnknownLost: () => void;
}

/** What holds records in memory that are in the spool too. */
export interface SpoolHolders {
  events: Pick<Pipeline, 'evict'>;
  flags: Pick<FlagPipeline, 'moveOut'>;
}

/** The spool as delivery sees it: what is in it is counted, and belongs to an epoch. */
export class SpoolStore implements Backlog, FlagStore {
  readonly #spool: Spool;
  readonly #parts: SpoolStoreParts;
  readonly #maxAgeMs: number;
  /** The task ids of what was found in a directory, until its flags are. */
  #foundIds = new Set<string>();
  /** Emptied as far as it can be: what is in there is on its way. */
  readonly #emptied = new WeakSet<Segment>();

  constructor(settings: SpoolSettings, parts: SpoolStoreParts) {
    this.#parts = parts;
    this.#maxAgeMs = settings.maxAgeMs;
    this.#spool = new Spool(settings, {
      epoch: () => parts.epochs.current,
      onFound: (found) => this.#found(found),
      onFlags: (flags) => this.#foundFlags(flags),
      onLost: (reason, epochs, error) => this.#lost(reason, epochs, error),
      onReadable: parts.onBacklog,
      onFault: (error) =>
        parts.observers.failed('the spool', error, 'so new tasks are kept in memory alone'),
      onRecovered: () => parts.observers.news('the spool works again'),
    });
    this.#spool.start();
  }

  get stats(): ReturnType<Spool['stats']> {
    return this.#spool.stats();
  }

  get hasUnread(): boolean {
    return this.#spool.hasUnread;
  }

  /** Whether what comes now has to stay on disk, behind what is there already. */
  get isBehind(): boolean {
    return this.#spool.behind > 0;
  }

  /** Drops the oldest events until this one fits. Flags, which are small, move to where there is room. */
  makeRoom({ bytes }: QueuedEvent, { events, flags }: SpoolHolders): void {
    if (!this.#spool.isFullFor(bytes)) return;
    for (const segment of this.#spool.segments()) {
      if (this.#emptied.has(segment)) continue;
      this.#emptied.add(segment);
      this.#spool.seal(segment);
      const message = 'the spool is full: is the server down, or too slow?';
      events.evict(({ ref }) => ref?.segment === segment, 'spool_full', message);
      this.#drop(this.#spool.readSegment(segment), 'spool_full', message);
      // The disk refused to read them.
      this.#dropUnknown(segment.giveUp(), 'spool_full', message);
      flags.moveOut((ref) => ref.segment === segment);
      this.#spool.settle();
      if (!this.#spool.isFullFor(bytes)) return;
    }
  }

  appendEvent({ json, bytes }: QueuedEvent): SpoolRef | undefined {
    return this.#spool.append('event', Date.now(), json, bytes);
  }

  /** The event appended last is not needed in memory. */
  leaveOnDisk(ref: SpoolRef, { epoch, bytes }: QueuedEvent): void {
    this.#parts.ledger.events.spooled += 1;
    this.#spool.leaveOnDisk(ref, epoch, bytes);
  }

  read(maxEvents: number, maxBytes: number): WaitingEvent[] {
    const events: WaitingEvent[] = [];
    const invalid: SpooledEvent[] = [];
    for (const event of this.#spool.read(maxEvents, maxBytes)) {
      const { ref, json, epoch, at, ahead } = event;
      const taskId = taskIdOf(json);
      if (taskId === undefined) {
        invalid.push(event);
        continue;
      }
      // Of another process: by two clocks that are not the same, it counts as younger rather than as from
      // the future.
      const now = performance.now();
      const settledAt = ahead === undefined ? now - Math.max(0, Date.now() - at) : at - ahead;
      this.#parts.tasks.set(taskId, 'queued');
      const expiresAt = settledAt + this.#maxAgeMs;
      const bytes = Buffer.byteLength(json);
      events.push({ taskId, json, bytes, settledAt, epoch, expiresAt, ref });
    }
    this.#drop(invalid, 'corrupt', 'they are no events: somebody else has written them');
    return events;
  }

  append(flag: QueuedFlag): SpoolRef | undefined {
    const json = JSON.stringify(flag);
    const bytes = Buffer.byteLength(json);
    // Only events make room: a flag is not worth a file of them.
    if (this.#spool.isFullFor(bytes)) return undefined;
    return this.#spool.append('flag', Date.now(), json, bytes);
  }

  move(flag: QueuedFlag, from: SpoolRef): SpoolRef {
    const json = JSON.stringify(flag);
    const ref = this.#spool.append('flag', Date.now(), json, Buffer.byteLength(json));
    if (ref === undefined) return from;
    this.#spool.end(from);
    return ref;
  }

  end(ref: SpoolRef): void {
    this.#spool.end(ref);
  }

  close(): void {
    for (const epoch of this.#spool.close()) this.#parts.epochs.leave(epoch);
  }

  /** Events that are on disk alone come to their end. */
  #drop(read: readonly SpooledEvent[], reason: DropReason, message: string): void {
    if (read.length === 0) return;
    const { ledger, epochs, observers } = this.#parts;
    ledger.events.spooled -= read.length;
    countDrop(ledger.events.dropped, reason, read.length);
    const taskIds: string[] = [];
    for (const { ref, epoch, json } of read) {
      this.#spool.end(ref);
      const taskId = taskIdOf(json);
      if (taskId !== undefined) {
        taskIds.push(taskId);
        this.#parts.onLost(taskId);
      }
      epochs.leave(epoch);
    }
    observers.dropped({ kind: 'event', reason, taskIds, count: read.length, message });
  }

  #found({ events, damaged, epoch }: Parameters<SpoolListener['onFound']>[0]): void {
    const { ledger, epochs, observers } = this.#parts;
    ledger.events.recovered += events.length + damaged;
    ledger.events.spooled += events.length;
    epochs.enter(epoch, events.length);
    for (const { text } of events) {
      const taskId = taskIdOf(text());
      if (taskId !== undefined) this.#foundIds.add(taskId);
    }
    if (damaged > 0) {
      countDrop(ledger.events.dropped, 'corrupt', damaged);
      const message = 'records of the spool were damaged or torn, and skipped';
      observers.dropped({ kind: 'event', reason: 'corrupt', taskIds: [], count: damaged, message });
    }
    if (events.length > 0) this.#parts.onBacklog();
  }

  /** Their tasks may be in the same files: then a flag waits until its task has been read and delivered. */
  #foundFlags(flags: readonly SpooledFlag[]): void {
    const { ledger, observers, tasks, onFlags } = this.#parts;
    const ids = this.#foundIds;
    this.#foundIds = new Set();
    const valid: { flag: QueuedFlag; ref: SpoolRef }[] = [];
    for (const { ref, json } of flags) {
      const flag = flagOf(json);
      if (flag === undefined) {
        ledger.flags.recovered += 1;
        countDrop(ledger.flags.dropped, 'corrupt');
        this.#spool.end(ref);
        const message = 'it is no flag: somebody else has written it';
        observers.dropped({ kind: 'flag', reason: 'corrupt', taskIds: [], count: 1, message });
        continue;
      }
      const { taskId } = flag;
      if (ids.has(taskId) && tasks.get(taskId) === undefined) tasks.set(taskId, 'queued');
      valid.push({ flag, ref });
    }
    onFlags(valid);
  }

  #lost(reason: 'corrupt' | 'adopted', epochs: readonly number[], error: unknown): void {
    const message =
      reason === 'adopted'
        ? 'this process did not move for so long that another one took its spool over, and sends them'
        : `they could not be read from the spool: ${String(error ?? 'the records are damaged')}`;
    this.#dropUnknown(epochs, reason, message);
  }

  #dropUnknown(lost: readonly number[], reason: DropReason, message: string): void {
    if (lost.length === 0) return;
    const { ledger, epochs, observers, onUnknownLost } = this.#parts;
    ledger.events.spooled -= lost.length;
    countDrop(ledger.events.dropped, reason, lost.length);
    for (const epoch of lost) epochs.leave(epoch);
    observers.dropped({ kind: 'event', reason, taskIds: [], count: lost.length, message });
    onUnknownLost();
  }
}

const TASK_ID = /^\{"task_id":("(?:[^"\\]|\\.)*")/;

/** Every event begins with its id; a parser is for those that somebody else has written. */
function taskIdOf(json: string): string | undefined {
  try {
    const quoted = TASK_ID.exec(json)?.[1];
    const id: unknown = quoted === undefined ? JSON.parse(json).task_id : JSON.parse(quoted);
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}

function flagOf(json: string): QueuedFlag | undefined {
  try {
    const { taskId, flag, source, notes } = JSON.parse(json) as QueuedFlag;
    return typeof taskId === 'string' ? { taskId, flag, source, notes } : undefined;
  } catch {
    return undefined;
  }
}
