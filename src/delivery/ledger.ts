import type { DropReason } from './exporter.ts';
import type { SpoolStats } from './spool/spool.ts';

export type DropCounts = { [reason in DropReason]?: number };

/**
 * Where every task of this process is. At any moment
 * `captured + recovered = pending + queued + inFlight + parked + spooled + deadLettered + delivered + Σ dropped`.
 */
export interface EventLedger {
  /** Tasks that have settled. */
  captured: number;
  /** Left in the spool by an earlier process, and taken over by this one. */
  recovered: number;
  /** Settled, not yet serialised. */
  pending: number;
  /** Serialised, waiting for a batch or for a retry. */
  queued: number;
  /** In a request that has no answer yet. */
  inFlight: number;
  /** Left out by `sample`, in memory in case they are flagged; the oldest ones make room, as `sampled`. */
  parked: number;
  /** In the spool's files alone: memory is full, or delivery was shut down; read back, or left to the next process. */
  spooled: number;
  /** Accepted by the server. */
  delivered: number;
  /** Refused by the server as invalid; given to `onDrop`, and with a spool kept in its dead-letter file. */
  deadLettered: number;
  /** Let go, by reason. */
  dropped: DropCounts;
}

/** The same for flags, which are `held` while their task is under way. */
export interface FlagLedger {
  captured: number;
  recovered: number;
  held: number;
  queued: number;
  inFlight: number;
  spooled: number;
  delivered: number;
  deadLettered: number;
  dropped: DropCounts;
}

/** What `phospho.stats()` answers and `phospho.shutdown()` resolves to. */
export interface Ledger {
  events: EventLedger;
  flags: FlagLedger;
  /** With a spool alone. */
  spool?: SpoolStats;
}

export function emptyEventLedger(): EventLedger {
  return {
    captured: 0,
    recovered: 0,
    pending: 0,
    queued: 0,
    inFlight: 0,
    parked: 0,
    spooled: 0,
    delivered: 0,
    deadLettered: 0,
    dropped: {},
  };
}

export function emptyFlagLedger(): FlagLedger {
  return {
    captured: 0,
    recovered: 0,
    held: 0,
    queued: 0,
    inFlight: 0,
    spooled: 0,
    delivered: 0,
    deadLettered: 0,
    dropped: {},
  };
}

export function countDrop(dropped: DropCounts, reason: DropReason, count = 1): void {
  dropped[reason] = (dropped[reason] ?? 0) + count;
}

export function totalDropped(dropped: DropCounts): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** Whether the ledger's equation holds, for events and flags. */
export function isBalanced(ledger: Ledger): boolean {
  const { events, flags } = ledger;
  return isSum(events, events.pending + events.parked) && isSum(flags, flags.held);
}

function isSum(ledger: EventLedger | FlagLedger, first: number): boolean {
  const { captured, recovered, queued, inFlight, spooled, delivered, deadLettered } = ledger;
  const places = [first, queued, inFlight, spooled, delivered, deadLettered];
  const sum = places.reduce((total, count) => total + count, totalDropped(ledger.dropped));
  return captured + recovered === sum;
}
