import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { overviewQuery } from '../../../src/collector/dashboard/app/data/ranges.ts';

const HOUR = 3600;
const ZONES = [
  ...['UTC', 'Asia/Kolkata', 'Asia/Kathmandu', 'America/St_Johns', 'Europe/Berlin'],
  // The clocks change at midnight, by half an hour, and next to the date line.
  ...['America/Santiago', 'America/Havana', 'Australia/Lord_Howe', 'Pacific/Auckland'],
];

const moment = fc
  .integer({ min: Date.UTC(2025, 0), max: Date.UTC(2027, 0) })
  .map((time) => new Date(time));

afterEach(() => {
  vi.unstubAllEnvs();
});

function columnsOf(range: string, now: Date): { starts: number[]; to: number } {
  const { starts, to } = overviewQuery(range, now);
  return { starts: starts.split(',').map(Number), to };
}

/** Noon is there on every day. */
function dayBefore(now: Date, days: number): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - days, 12).toDateString();
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toDateString();

test.each(ZONES)('in %s a column is a day, from its first whole hour on, up to today', (zone) => {
  vi.stubEnv('TZ', zone);
  fc.assert(
    fc.property(moment, fc.constantFrom(['30d', 30] as const, ['90d', 90] as const), (now, one) => {
      const [range, count] = one;
      const { starts, to } = columnsOf(range, now);
      expect(starts.map(dayOf)).toEqual(
        Array.from({ length: count }, (_, index) => dayBefore(now, count - 1 - index)),
      );
      for (const cut of [...starts, to]) {
        expect(cut % HOUR).toBe(0);
        expect(dayOf(cut - HOUR)).not.toBe(dayOf(cut));
      }
      expect(dayOf(to)).toBe(dayBefore(now, -1));
    }),
  );
});

test.each(ZONES)('in %s quarters of a day start at 0, 6, 12 and 18', (zone) => {
  vi.stubEnv('TZ', zone);
  fc.assert(
    fc.property(moment, (now) => {
      const { starts, to } = columnsOf('7d', now);
      expect(starts).toHaveLength(28);
      for (const [index, start] of starts.entries()) {
        const hour = new Date(start * 1000).getHours();
        // Where a day begins at 1, for its first hour was skipped.
        const skipped = hour === 1 && dayOf(start - HOUR) !== dayOf(start);
        expect(skipped ? 0 : hour % 6).toBe(0);
        expect(start).toBeLessThan(starts[index + 1] ?? to);
      }
      const current = (starts.at(-1) ?? 0) * 1000;
      expect(current - now.getTime()).toBeLessThan(HOUR * 1000);
      expect(to * 1000).toBeGreaterThan(now.getTime());
    }),
  );
});

test.each(ZONES)('in %s the last 24 hours are hours of the same length', (zone) => {
  vi.stubEnv('TZ', zone);
  fc.assert(
    fc.property(moment, (now) => {
      const { starts, to } = columnsOf('24h', now);
      expect(starts).toEqual(Array.from({ length: 24 }, (_, index) => to - (24 - index) * HOUR));
      const seconds = now.getTime() / 1000;
      expect(to - seconds).toBeGreaterThan(0);
      expect(to - seconds).toBeLessThanOrEqual(HOUR);
    }),
  );
});
