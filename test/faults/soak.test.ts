import { expect, it } from 'vitest';
import { startChild } from './helpers/child.ts';
import { illServer } from './helpers/ill-server.ts';
import { scaled } from './helpers/scale.ts';

const SECONDS = scaled(4, 600);
const RATE = scaled(100, 500);
const MiB = 1024 * 1024;

interface Told {
  heaps: number[];
  timers: number;
  listeners: number;
  leaks: number;
  sockets: number;
  warnings: string[];
  sent: number;
  left: number;
  captured: number;
  delivered: number;
  waiting: number;
  isBalanced: boolean;
  dropped: object;
}

it(`${RATE} streams a second for ${SECONDS} s, a part of them left early, leave nothing behind`, {
  timeout: scaled(60_000, 900_000),
}, async (t) => {
  const server = await illServer(t);
  const { double } = server;
  const outcomes = new Map<unknown, number>();
  // Counted and forgotten: in ten minutes it is more than this process should hold.
  const count = () => {
    for (const { metadata } of double.stored.values()) {
      outcomes.set(metadata?.outcome, (outcomes.get(metadata?.outcome) ?? 0) + 1);
    }
    double.stored.clear();
    double.asked.length = 0;
  };
  server.onRequest = count;
  const told = await startChild<Told>(t, 'soak', {
    SECONDS: `${SECONDS}`,
    RATE: `${RATE}`,
    PHOSPHO_BASE_URL: server.url,
  }).answer;
  const { heaps, sent, left, captured, delivered } = told;
  // A client that leaves before its request has been read has asked nothing.
  expect(captured).toBe(sent);
  expect(delivered).toBe(captured);
  count();
  expect(double.storings.size).toBe(captured);
  expect(Math.max(...new Set(double.storings.values()))).toBe(1);
  const aborted = outcomes.get('aborted') ?? 0;
  expect(outcomes.get('complete')).toBe(captured - aborted);
  expect(left).toBeGreaterThan(0);
  expect(aborted).toBeGreaterThan(0);
  expect(aborted).toBeLessThanOrEqual(left);
  expect(told).toMatchObject({
    isBalanced: true,
    dropped: {},
    waiting: 0,
    sockets: 0,
    leaks: 0,
    warnings: [],
  });
  expect(told.timers).toBeLessThanOrEqual(2);
  expect(told.listeners).toBeLessThanOrEqual(2);
  // The first samples hold what is made once: code, caches, the ids of recent tasks.
  const [, , third = 0] = heaps;
  const perRequest = ((heaps.at(-1) ?? 0) - third) / (sent / 2);
  expect(perRequest, JSON.stringify(heaps)).toBeLessThan(scaled(4_096, 128));
  expect(heaps.at(-1)).toBeLessThan(200 * MiB);
});
