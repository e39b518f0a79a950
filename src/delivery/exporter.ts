import type { Flag, FlagSource } from '../types.ts';

/** An event ready to travel: serialised once, of known size. */
export interface QueuedEvent {
  readonly taskId: string;
  /** A LogEvent as JSON text. */
  readonly json: string;
  /** UTF-8 length of `json`. */
  readonly bytes: number;
  /** `performance.now()` at settle, for the age limit. */
  readonly settledAt: number;
  /** Which flush waits for it. */
  readonly epoch: number;
}

/** A verdict ready to travel. */
export interface QueuedFlag {
  readonly taskId: string;
  readonly flag: Flag;
  readonly source: FlagSource;
  readonly notes?: string | undefined;
}

/** What became of one event of a batch that the server took. */
export type EventResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'refused' | 'quota'; readonly message: string };

/**
 * Takes batches to wherever they are kept. The default speaks phospho's API; one of your own can write to
 * a file or a queue. It is called with at most two batches at a time, outside any request's context.
 */
export interface Exporter {
  /**
   * Delivers a batch (1 to 100 events) and resolves to one result per event, in order. A rejection means
   * that none was delivered: a PhosphoRequestError is retried, split or kept according to its status,
   * anything else is retried. `signal` aborts when shutdown's time is up.
   */
  export(batch: readonly QueuedEvent[], signal: AbortSignal): Promise<readonly EventResult[]>;
  /** Delivers one verdict, whose task has been delivered before. */
  flag(flag: QueuedFlag, signal: AbortSignal): Promise<void>;
  /** False while a setting is missing: tasks are then dropped as `unconfigured` when they settle. */
  isConfigured?(): boolean;
  /** Frees sockets and files. Called once, after the last batch. */
  shutdown?(): Promise<void>;
}

/** Why an event or a flag was let go. */
export type DropReason =
  /** No API key or project when the task settled, or the flag was given. */
  | 'unconfigured'
  /** The queue was full (count or bytes); the oldest waiting event made room. */
  | 'queue_full'
  /** Undeliverable for longer than the age limit. */
  | 'expired'
  /** The server stored nothing: the project's quota is used up. */
  | 'quota'
  /** The spool was full; what was in its oldest file made room. */
  | 'spool_full'
  /** A record of the spool was damaged, or could not be read. */
  | 'corrupt'
  /** On disk alone, when another process took this one for dead and took its files over: that one sends it. */
  | 'adopted'
  /** Masking or serialising failed; nothing leaves unmasked. */
  | 'unserializable'
  /** Settled after `shutdown()`, or not delivered within its time. */
  | 'shutdown'
  /** Left out by `sample`, and neither flagged nor ended in an error; not told to `onDrop`, since it was asked for. */
  | 'sampled'
  /** A flag that a later one for the same task replaced before it was sent. */
  | 'superseded'
  /** A flag equal to the one already sent for its task. */
  | 'duplicate';

/** What recorder and flag route need of delivery. */
export interface Delivery {
  /** A task has opened: a flag for it waits until it is delivered. */
  opened(taskId: string): void;
  /** An opened task turned out not to be worth a record. */
  discarded(taskId: string): void;
  /** A task has settled; returns the epoch to hand back with its event. */
  settled(): number;
  /** The settled task, serialised. */
  accept(event: QueuedEvent): void;
  /** The same of one that sampling leaves out: it waits for a flag, in bounded memory. */
  park(event: QueuedEvent): void;
  /** The settled task will not become an event. */
  dropSettled(taskId: string, epoch: number, reason: DropReason, message: string): void;
  isConfigured(): boolean;
}
