import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledger } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { expectBalanced } from '../helpers/ledger.ts';
import { startChild } from './helpers/child.ts';
import { type Finishing, illServer } from './helpers/ill-server.ts';
import { scaled } from './helpers/scale.ts';

const COUNT = scaled(5_000, 20_000);
const MiB = 1024 * 1024;

interface Told {
  grown: number;
  down: Ledger;
  ledger: Ledger;
  told: number;
  unbalanced: number;
}

/** The burst comes while nobody listens; then the server is there. */
async function burst(t: Finishing, env: Record<string, string>) {
  const server = await illServer(t);
  await server.stop();
  const child = startChild<Told>(t, 'burst', {
    COUNT: `${COUNT}`,
    PHOSPHO_BASE_URL: server.url,
    ...env,
  });
  await child.ready;
  await server.listen();
  child.say('flush');
  const told = await child.answer;
  for (const ledger of [told.down, told.ledger]) expectBalanced(ledger);
  expect(told.unbalanced).toBe(0);
  // A generous bound: what it costs is measured by the bench.
  expect(told.grown).toBeLessThan(600 * MiB);
  expect(server.double.stored.size).toBe(told.ledger.events.delivered);
  return { ...told, server };
}

describe.concurrent(`a burst of ${COUNT} × 8 KB while the server is down`, {
  timeout: scaled(60_000, 300_000),
}, () => {
  it('costs what does not fit into the queue, and the counter says how much to the last event', async (t) => {
    const { down, ledger, told, server } = await burst(t, {});
    const { captured, delivered, dropped } = ledger.events;
    expect(captured).toBe(COUNT);
    expect(dropped).toEqual({ queue_full: told });
    expect(delivered).toBe(COUNT - told);
    expect(told).toBeGreaterThan(0);
    expect(down.events.dropped).toEqual(dropped);
    // The oldest went; the newest are there.
    expect([...server.double.stored.keys()].sort()).toEqual(
      Array.from({ length: delivered }, (_, index) => `t${told + index}`).sort(),
    );
  });

  it('costs nothing with a spool', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'phospho-burst-'));
    t.onTestFinished(() => rm(dir, { recursive: true, force: true }));
    const { ledger, told, server } = await burst(t, { SPOOL: dir });
    expect(told).toBe(0);
    expect(ledger.events).toMatchObject({ captured: COUNT, delivered: COUNT, dropped: {} });
    expect(Math.max(...server.double.storings.values())).toBe(1);
  });
});
