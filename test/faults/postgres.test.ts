import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { expectBalanced, KEY } from '../helpers/ledger.ts';
import { makePostgres } from '../helpers/postgres.ts';
import type { AppAnswer } from './children/fleet-app.ts';
import { startChild } from './helpers/child.ts';
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

  const apps = Array.from({ length: APPS }, (_, app) =>
    startChild<AppAnswer>({ onTestFinished }, 'fleet-app', {
      APP: `app${app}`,
      RATE: `${RATE}`,
      FLUSH_MS: `${TEST_MS}`,
      PHOSPHO_BASE_URL: fleet.baseUrl,
      PHOSPHO_API_KEY: KEY,
    }),
  );
  await Promise.all(apps.map(({ ready }) => ready));
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(Math.random() * 2 * PAUSE_MS);
    await fleet.replace(Math.floor(Math.random() * COLLECTORS));
    if (kill !== 2) continue;
    await postgres.stop();
    await delay(PAUSE_MS);
    await postgres.start();
  }
  await delay(PAUSE_MS);
  for (const app of apps) app.say('stop');
  const answers = await Promise.all(apps.map(({ answer }) => answer));
  const ledgers = answers.map(({ ledger }) => ledger);
  for (const ledger of ledgers) expectBalanced(ledger);
  const logged = new Map(answers.flatMap((answer) => Object.entries(answer.logged)));
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
