import type { DropReason } from './exporter.ts';

export type DropCounts = { [reason in DropReason]?: number };

/**
 * Where every task of this process is. At any moment
 * `captured = pending + queued + inFlight + deadLettered + delivered + Σ dropped`.
 */
export interface EventLedger {
  /** Tasks that have settled. */
  captured: number;
  /** Settled, not yet serialised. */
  pending: number;
  /** Serialised, waiting for a batch or for a retry. */
  queued: number;
  /** In a request that has no answer yet. */
  inFlight: number;
  /** Accepted by the server. */
  delivered: number;
  /** Refused by the server as invalid; given to `onDrop`. */
  deadLettered: number;
  /** Let go, by reason. */
  dropped: DropCounts;
}

/** The same for flags, which are `held` while their task is under way. */
export interface FlagLedger {
  captured: number;
  held: number;
  queued: number;
  inFlight: number;
  delivered: number;
  deadLettered: number;
  dropped: DropCounts;
}

/** What `phospho.stats()` answers and `phospho.shutdown()` resolves to. */
export interface Ledger {
  events: EventLedger;
  flags: FlagLedger;
}

export function emptyEventLedger(): EventLedger {
  return {
    captured: 0,
    pending: 0,
    queued: 0,
    inFlight: 0,
    delivered: 0,
    deadLettered: 0,
    dropped: {},
  };
}

export function emptyFlagLedger(): FlagLedger {
  return {
    captured: 0,
    held: 0,
    queued: 0,
    inFlight: 0,
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
  return (
    events.captured ===
      events.pending +
        events.queued +
        events.inFlight +
        events.delivered +
        events.deadLettered +
        totalDropped(events.dropped) &&
    flags.captured ===
      flags.held +
        flags.queued +
        flags.inFlight +
        flags.delivered +
        flags.deadLettered +
        totalDropped(flags.dropped)
  );
}
