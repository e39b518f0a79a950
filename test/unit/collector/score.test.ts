import { expect, test } from 'vitest';
import { overallScore } from '../../../src/collector/store/score.ts';
import type { Comparison, Eval } from '../../../src/types.ts';

const evals = (...values: Eval['value'][]) => values.map((value) => ({ value }));
const comparisons = (...results: Comparison['comparison_result'][]) =>
  results.map((comparison_result) => ({ comparison_result }));

test('a score is the mean over evals and comparisons', () => {
  expect(overallScore({ evals: evals('success', 'failure'), comparisons: [] })).toBe(0.5);
  expect(overallScore({ evals: evals('success', 'undefined', null), comparisons: [] })).toBe(1 / 3);
  const all = comparisons(
    'New output is better',
    'Old output is better',
    'Same quality',
    'Both are bad',
  );
  expect(overallScore({ evals: [], comparisons: all })).toBe(0.5);
  expect(overallScore({ evals: evals('success'), comparisons: all.slice(1, 2) })).toBe(0.5);
});

test('a failed comparison does not count, and nothing to count is no score', () => {
  expect(overallScore({ evals: evals('success'), comparisons: comparisons('Error') })).toBe(1);
  expect(overallScore({ evals: [], comparisons: comparisons('Error') })).toBeNull();
});
