import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Flag } from 'phospho-express';
import { expect, onTestFinished, test } from 'vitest';
import { expectBalanced, KEY, phosphoFor } from '../helpers/ledger.ts';
import { makePostgres } from '../helpers/postgres.ts';
import { bundleCollector, startFleet } from './helpers/fleet.ts';
import { scaled } from './helpers/scale.ts';

const COLLECTORS = 3;
const APPS = 4;
const KILLS = 5;
/** Milliseconds between two faults. */
const PAUSE_MS = scaled(800, 15_000);
/** Tasks an app logs a second. */
const RATE = scaled(50, 200);
const TEST_MS = scaled(90_000, 600_000);

interface Row {
  id: string;
  flag: string | null;
}

test('three collectors over one PostgreSQL, killed five times and the database restarted once, store what the apps’ ledgers say, each once', {
  timeout: TEST_MS,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-fleet-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [postgres, bundle] = await Promise.all([
    makePostgres({ isDurable: true }),
    bundleCollector(folder),
  ]);
  onTestFinished(() => postgres.remove());
  await postgres.run('postgres', 'create database fleet');
  const env = {
    PHOSPHO_COLLECTOR_DATABASE: postgres.url('fleet'),
    PHOSPHO_COLLECTOR_PROJECT: 'p',
    PHOSPHO_COLLECTOR_API_KEY: KEY,
  };
  const fleet = await startFleet({ onTestFinished }, { bundle, size: COLLECTORS, env });

  let isOver = false;
  const logged = new Map<string, Flag | null>();
  const apps = Array.from({ length: APPS }, async (_, app) => {
    const phospho = phosphoFor({ baseUrl: fleet.baseUrl });
    for (let n = 0; !isOver; n++) {
      const taskId = `app${app}-${n}`;
      const sessionId = `session${n % 7}`;
      phospho.log({ input: `question ${n}`, output: 'answer', taskId, sessionId });
      logged.set(taskId, null);
      if (n % 10 === 0) {
        const flag = n % 20 === 0 ? 'success' : 'failure';
        phospho.flag(taskId, flag);
        logged.set(taskId, flag);
      }
      await delay(1000 / RATE);
    }
    const ledger = await phospho.flush({ timeoutMs: TEST_MS });
    expectBalanced(ledger);
    return ledger;
  });
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(Math.random() * 2 * PAUSE_MS);
    await fleet.replace(Math.floor(Math.random() * COLLECTORS));
    if (kill !== 2) continue;
    await postgres.stop();
    await delay(PAUSE_MS);
    await postgres.start();
  }
  await delay(PAUSE_MS);
  isOver = true;
  const ledgers = await Promise.all(apps);
  const sum = (count: (ledger: (typeof ledgers)[number]) => number): number =>
    ledgers.reduce((total, ledger) => total + count(ledger), 0);
  expect(sum(({ events }) => events.delivered)).toBe(logged.size);
  expect(sum(({ flags }) => flags.delivered)).toBe([...logged.values()].filter(Boolean).length);

  const client = new pg.Client(postgres.url('fleet'));
  await client.connect();
  onTestFinished(() => client.end());
  const rowsOf = async <R>(sql: string): Promise<R[]> => (await client.query(sql)).rows;
  const stored = await rowsOf<Row>('select id, flag from tasks');
  expect(stored).toHaveLength(logged.size);
  expect(new Map(stored.map(({ id, flag }) => [id, flag]))).toEqual(logged);
  const flagged = (flag: string): number =>
    [...logged.values()].filter((given) => given === flag).length;
  const figures = `select sum(tasks)::int as tasks, sum(success)::int as success,
    sum(failure)::int as failure from task_stats where dimension = 'all' and grain = 3600`;
  expect(await rowsOf(figures)).toEqual([
    { tasks: logged.size, success: flagged('success'), failure: flagged('failure') },
  ]);
  const [counted] = await rowsOf<{ sessions: number; searched: number }>(
    'select (select count(*)::int from sessions) as sessions, (select count(*)::int from task_search) as searched',
  );
  expect(counted).toEqual({ sessions: 7, searched: logged.size });
});
