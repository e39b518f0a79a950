import { scaled } from './helpers/scale.ts';

export const TIMEOUT_MS: number = scaled(60_000, 600_000);

/** How long the runs of one property may take, milliseconds of the real clock. */
const PROPERTY_MS = scaled(2_000, 120_000);

export const MODEL_RUNS = { numRuns: scaled(400, 20_000) } as const;

/** The clock that no fake timers rule. */
const now = performance.now.bind(performance);

/** Passes without a look once the time is up: a run that was interrupted would disturb the next test. */
export function untilTimeIsUp<Args extends unknown[]>(
  property: (...args: Args) => Promise<void>,
): (...args: Args) => Promise<void> {
  const deadline = now() + PROPERTY_MS;
  return async (...args) => {
    if (now() < deadline) await property(...args);
  };
}
