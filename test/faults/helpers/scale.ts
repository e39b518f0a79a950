/** `npm run test:faults` runs the outages in full length; the plain suite runs shortened ones. */
export const isFull: boolean = process.env.FAULTS === 'full';

/** The first in the plain suite, the second in `npm run test:faults`. */
export function scaled<T>(short: T, full: T): T {
  return isFull ? full : short;
}

/** An outage, milliseconds. */
export const OUTAGE_MS: number = scaled(1_500, 15_000);

/** Milliseconds that a test with one outage may take: a probe may come half a minute after it. */
export const TEST_MS: number = scaled(20_000, 90_000);

/**
 * Requests that an outage may see: two batches that were under way, then one probe after each pause, of
 * which the nth takes at least a quarter of 0.5 s · 2^(n-1), or of 30 s if that is less.
 */
export function requestsIn(outageMs: number): number {
  let probes = 0;
  for (let at = 125; at <= outageMs; at += Math.min(125 * 2 ** probes, 7_500)) probes += 1;
  return 2 + probes;
}
