import { publish } from './channels.ts';
import type { WaitingEvent } from './waiting.ts';

/** Upper bounds of the latency histogram, seconds: a request may take from a millisecond to its time-out. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Totals of the requests that carried batches. */
export interface BatchTotals {
  sent: number;
  failed: number;
  /** Of the events' JSON, each time it was sent. */
  bytes: number;
  seconds: number;
  /** How many took no longer than each bound, and than any. */
  latencies: number[];
}

/** Counts requests for `phospho.metrics()`. */
export class Meter {
  readonly totals: BatchTotals = {
    sent: 0,
    failed: 0,
    bytes: 0,
    seconds: 0,
    latencies: Array(LATENCY_BOUNDS.length + 1).fill(0),
  };

  batch(
    batch: readonly WaitingEvent[],
    durationMs: number,
    failure: { error: unknown } | undefined,
  ): void {
    const bytes = batch.reduce((sum, event) => sum + event.bytes, 0);
    const seconds = durationMs / 1000;
    this.totals.sent += 1;
    if (failure) this.totals.failed += 1;
    this.totals.bytes += bytes;
    this.totals.seconds += seconds;
    const { latencies } = this.totals;
    for (let i = 0; i < latencies.length; i++) {
      if (seconds <= (LATENCY_BOUNDS[i] ?? Infinity)) latencies[i] = (latencies[i] ?? 0) + 1;
    }
    publish('batch', { events: batch.length, bytes, durationMs, error: failure?.error });
  }
}
