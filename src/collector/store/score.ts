import type { Scored } from './store.ts';

/**
 * The score of a test: the mean over its evals (success 1, anything else 0) and comparisons (new better 1,
 * old better 0, same or both bad 0.5). A comparison that ended in an error says nothing and does not count.
 *
 * @returns null where there is nothing to count
 */
export function overallScore({ evals, comparisons }: Scored): number | null {
  const points = [
    ...evals.map(({ value }) => (value === 'success' ? 1 : 0)),
    ...comparisons
      .map(({ comparison_result }) => COMPARISON_POINTS[comparison_result])
      .filter((point) => point !== null),
  ];
  if (points.length === 0) return null;
  return points.reduce<number>((sum, point) => sum + point, 0) / points.length;
}

const COMPARISON_POINTS: Record<Scored['comparisons'][number]['comparison_result'], number | null> =
  {
    'New output is better': 1,
    'Old output is better': 0,
    'Same quality': 0.5,
    'Both are bad': 0.5,
    Error: null,
  };
