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
const COLUMNS: Record<string, { hours: number; count: number }> = {
  '24h': { hours: 1, count: 24 },
  '7d': { hours: 6, count: 28 },
  '30d': { hours: 24, count: 30 },
  '90d': { hours: 24, count: 90 },
};

export const OVERVIEW_RANGES: readonly string[] = Object.keys(COLUMNS);
export const DEFAULT_RANGE = '7d';

/** Whole columns up to the one that is now, in the reader's own days and hours. */
export function overviewQuery(range: string, now: Date): { starts: string; to: number } {
  const { hours, count } = COLUMNS[range] ?? { hours: 6, count: 28 };
  const cuts = hours === 1 ? hourCuts(count, now) : localCuts(hours, count, now);
  return { starts: cuts.slice(0, -1).join(','), to: cuts.at(-1) ?? 0 };
}

function hourCuts(count: number, now: Date): number[] {
  const current = Math.floor(now.getTime() / 1000 / HOUR) * HOUR;
  return Array.from({ length: count + 1 }, (_, index) => current + (index + 1 - count) * HOUR);
}

/**
 * Cut by the reader's clock, so a column may be an hour longer or shorter where the clocks change. Figures are kept
 * by UTC's hours: where local ones start at half past, a column starts up to an hour late, never on the day before.
 */
function localCuts(hours: number, count: number, now: Date): number[] {
  const current = Math.floor(now.getHours() / hours) * hours;
  const cuts = Array.from({ length: count + 1 }, (_, index) => {
    const hour = current + (index + 1 - count) * hours;
    const cut = new Date(now.getFullYear(), now.getMonth(), now.getDate(), hour);
    return Math.ceil(cut.getTime() / 1000 / HOUR) * HOUR;
  });
  // A zone that moved across the date line skipped a day.
  return [...new Set(cuts)];
}
