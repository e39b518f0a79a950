/**
 * A histogram of latencies as text in a column: `{"<bucket>": count}`. Buckets grow by 5 %, so a percentile is
 * within 2.5 % of the exact one, and histograms of any stretch of time add up.
 */
export type Histogram = Map<number, number>;

const GROWTH = Math.log(1.05);

export function bucketOf(latencyMs: number): number {
  return latencyMs < 1 ? 0 : Math.floor(Math.log(latencyMs) / GROWTH) + 1;
}

/** The middle of a bucket, in milliseconds. */
function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : Math.exp((bucket - 0.5) * GROWTH);
}

export function addTo(sum: Histogram, part: Iterable<readonly [number, number]>): void {
  for (const [bucket, count] of part) sum.set(bucket, (sum.get(bucket) ?? 0) + count);
}

export function parseHistogram(text: string): [number, number][] {
  return Object.entries(JSON.parse(text) as Record<string, number>).map(([bucket, count]) => [
    Number(bucket),
    count,
  ]);
}

export function histogramText(histogram: Histogram): string {
  return JSON.stringify(Object.fromEntries([...histogram].filter(([, count]) => count !== 0)));
}

/**
 * The latency that this share of the tasks (0 to 1) is not slower than, in milliseconds.
 *
 * @returns null where nothing was counted
 */
export function percentile(histogram: Histogram, share: number): number | null {
  const counted = [...histogram].filter(([, count]) => count > 0).sort(([a], [b]) => a - b);
  const total = counted.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [bucket, count] of counted) {
    seen += count;
    if (seen >= total * share) return Math.round(middleOf(bucket));
  }
  return null;
}
