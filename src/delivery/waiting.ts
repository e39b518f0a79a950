import type { QueuedEvent } from './exporter.ts';
import type { SpoolRef } from './spool/spool.ts';

/** What is still to be known of an event that comes to its end without being sent. */
export type EndingEvent = Omit<WaitingEvent, 'json'>;

/** An event in the queue or in flight. */
export interface WaitingEvent extends QueuedEvent {
  /** `performance.now()` after which it is given up. */
  readonly expiresAt: number;
  /** Where it is on disk too; undefined: in memory alone. */
  readonly ref?: SpoolRef | undefined;
  /** Gives the memory of its text back, once: `json` is not to be had any more. */
  release?(): void;
  /** Its JSON as it was before it was shortened for a server that found it too large. */
  readonly whole?: string;
}
