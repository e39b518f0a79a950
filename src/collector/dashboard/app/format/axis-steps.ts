const POWERS = Array.from({ length: 12 }, (_, power) => 10 ** power);

/** From one tick of an axis to the next, for things that are counted. */
export const COUNT_STEPS: readonly number[] = POWERS.flatMap((power) => [
  power,
  2 * power,
  5 * power,
]);

const MINUTES = [0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];
const DAY_MINUTES = 1440;

/** Milliseconds; times of a clock from a quarter of a minute on. */
export const DURATION_STEPS: readonly number[] = [
  ...COUNT_STEPS.filter((step) => step <= 10_000),
  ...[...MINUTES, ...COUNT_STEPS.map((days) => days * DAY_MINUTES)].map((n) => n * 60_000),
];
