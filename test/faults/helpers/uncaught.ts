import { afterAll, beforeAll, expect } from 'vitest';

/** Fails the file if an error went uncaught, or a rejection unhandled, while its tests ran. */
export function expectNothingUncaught(): void {
  const uncaught: unknown[] = [];
  const note = (error: unknown) => void uncaught.push(error);
  beforeAll(() => {
    process.on('uncaughtExceptionMonitor', note);
    process.on('unhandledRejection', note);
  });
  afterAll(async () => {
    // Rejections are told of after the microtasks of a turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('uncaughtExceptionMonitor', note);
    process.off('unhandledRejection', note);
    expect(uncaught).toEqual([]);
  });
}
