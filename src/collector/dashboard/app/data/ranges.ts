const HOUR = 3600;
const DAY = 86_400;

const RANGES: Record<string, { label: string; seconds: number }> = {
  '1h': { label: 'Last hour', seconds: HOUR },
  '24h': { label: 'Last 24 hours', seconds: DAY },
  '7d': { label: 'Last 7 days', seconds: 7 * DAY },
  '30d': { label: 'Last 30 days', seconds: 30 * DAY },
  '90d': { label: 'Last 90 days', seconds: 90 * DAY },
};

export const RANGE_NAMES: readonly string[] = Object.keys(RANGES);

export function isRange(name: string): boolean {
  return Object.hasOwn(RANGES, name);
}

export function rangeLabel(name: string): string {
  return RANGES[name]?.label ?? name;
}

/** To the minute, so that the same list is asked for with the same address. */
export function rangeStart(name: string, now: number): number {
  const start = now - (RANGES[name]?.seconds ?? DAY);
  return Math.floor(start / 60) * 60;
}

/** How the overview cuts a range into columns. */
const COLUMNS: Record<string, { bucket: number; count: number }> = {
  '24h': { bucket: HOUR, count: 24 },
  '7d': { bucket: 6 * HOUR, count: 28 },
  '30d': { bucket: DAY, count: 30 },
  '90d': { bucket: DAY, count: 90 },
};

export const OVERVIEW_RANGES: readonly string[] = Object.keys(COLUMNS);
export const DEFAULT_RANGE = '7d';

/** Whole columns up to the one that is now, in the reader's own days and hours. */
export function overviewQuery(range: string, now: Date): Record<string, number> {
  const { bucket, count } = COLUMNS[range] ?? { bucket: 6 * HOUR, count: 28 };
  const offset = -now.getTimezoneOffset() * 60;
  const seconds = Math.floor(now.getTime() / 1000);
  const current = Math.floor((seconds + offset) / bucket) * bucket - offset;
  return { from: current - (count - 1) * bucket, to: seconds, bucket, offset };
}
