import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  COUNT_STEPS,
  DURATION_STEPS,
} from '../../../src/collector/dashboard/app/format/axis-steps.ts';
import { shortDuration } from '../../../src/collector/dashboard/app/format/durations.ts';
import { short } from '../../../src/collector/dashboard/app/format/numbers.ts';
import { type ChartSpec, isEmpty } from '../../../src/collector/dashboard/app/parts/chart-spec.ts';

const UNITS: Record<string, number> = {
  ...{ ms: 1, s: 1000, min: 60_000, h: 3_600_000 },
  ...{ '': 1, k: 1e3, M: 1e6, G: 1e9 },
};

/** What a reader of the text takes it for. */
function read(text: string): number {
  const [, number = '', unit = ''] = /^([\d.,]+) ?(\w*)$/.exec(text) ?? [];
  return Number(number.replaceAll(',', '')) * (UNITS[unit] ?? Number.NaN);
}

/** A chart has at most 5 ticks above zero. */
const ticks = (steps: readonly number[]) =>
  fc
    .tuple(fc.constantFrom(...steps), fc.integer({ min: 0, max: 5 }))
    .map(([step, index]) => step * index);

describe('a tick says exactly where it is', () => {
  test('for durations', () => {
    fc.assert(
      fc.property(ticks(DURATION_STEPS), (ms) => {
        expect(read(shortDuration(ms))).toBeCloseTo(ms, 6);
      }),
    );
  });

  test('for counts', () => {
    fc.assert(
      fc.property(ticks(COUNT_STEPS), (value) => {
        expect(read(short(value))).toBeCloseTo(value, 3);
      }),
    );
  });

  test.each([
    [0, '0 ms'],
    [2.5, '2.5 ms'],
    [7.5, '7.5 ms'],
    [1500, '1.5 s'],
    [75_000, '75 s'],
    [90_000, '1.5 min'],
    [4_200_000, '70 min'],
    [5_400_000, '1.5 h'],
    [172_800_000, '48 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(shortDuration(ms)).toBe(text);
  });

  test('and steps ascend, by not much at a time', () => {
    for (const steps of [COUNT_STEPS, DURATION_STEPS]) {
      for (const [index, step] of steps.slice(1).entries()) {
        const ratio = step / (steps[index] ?? 0);
        expect(ratio).toBeGreaterThan(1);
        expect(ratio).toBeLessThanOrEqual(2.5);
      }
    }
  });
});

test.each([
  ['lines', [null, null], true],
  ['lines', [null, 0], false],
  ['lines', [0, 0], false],
  ['lines', [5, null], false],
  ['bars', [0, 0], true],
  ['bars', [0, 2], false],
] as const)('a chart of %s with the values %j is empty: %j', (kind, values, expected) => {
  const spec: ChartSpec = {
    times: [0, 3600],
    end: 7200,
    kind,
    series: [{ label: 'a', colour: 'chart-1', values: [...values] }],
    format: String,
    formatAxis: String,
    axisSteps: [1],
    least: 1,
  };
  expect(isEmpty(spec)).toBe(expected);
});
