import type { Usage } from './format.ts';
import { asNumber } from './text.ts';

/** The counts that are there; undefined where none is. */
export function usageOf(counts: { [key in keyof Usage]: unknown }): Usage | undefined {
  const usage: Usage = {};
  for (const [key, value] of Object.entries(counts)) {
    const count = asNumber(value);
    if (count !== undefined) usage[key as keyof Usage] = count;
  }
  return Object.keys(usage).length > 0 ? usage : undefined;
}

/** The sum of those that are counts; undefined where none is. */
export function sumOf(...counts: unknown[]): number | undefined {
  const known = counts.map(asNumber).filter((count) => count !== undefined);
  return known.length > 0 ? known.reduce((sum, count) => sum + count, 0) : undefined;
}

/** Two calls' counts in one. */
export function addUsage(one: Usage | undefined, other: Usage | undefined): Usage | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  const sum: Usage = { ...one };
  for (const [key, count] of Object.entries(other) as [keyof Usage, number][]) {
    sum[key] = (sum[key] ?? 0) + count;
  }
  return sum;
}
