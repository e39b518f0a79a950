import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Migrator } from 'kysely';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { initial } from '../../src/collector/store/migrations/0001-initial.ts';
import { openStore } from '../../src/collector/store/open-store.ts';
import { SqliteEngine } from '../../src/collector/store/sqlite/engine.ts';
import { openSqlite } from '../../src/collector/store/sqlite/open-sqlite.ts';
import { as } from './collector-helpers.ts';

const T0 = 1_790_000_000;
const COUNT = 1203;
const OLD_KEY = 'phk_of-the-first-version';
const HOUR_OF_T0 = { starts: [T0 - (T0 % 3600)], to: T0 - (T0 % 3600) + 3600 };

/** None is the beginning of another. */
const wordOf = (index: number): string => `number${String(index).padStart(5, '0')}`;

/** A file as the first version wrote it. */
async function oldFile(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-migration-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'phospho.db');
  const db = await openSqlite(path);
  const provider = {
    getMigrations: async () => ({ '0001-initial': initial(new SqliteEngine(db)) }),
  };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  expect(error).toBeUndefined();
  const project = { id: 'p', project_name: 'p', created_at: T0 };
  await db.insertInto('projects').values(project).execute();
  const hash = createHash('sha256').update(OLD_KEY).digest('hex');
  const key = { project_id: 'p', hash, last4: OLD_KEY.slice(-4), created_at: T0 };
  await db
    .insertInto('api_keys')
    .values(key as never)
    .execute();
  const rows = Array.from({ length: COUNT }, (_, index) => index);
  await db.transaction().execute(async (tx) => {
    for (const index of rows) {
      await tx
        .insertInto('tasks')
        .values({
          project_id: 'p',
          id: `t${index}`,
          created_at: T0 + index,
          // Two processes may have written within one microsecond.
          received_us: T0 * 1e6 + Math.floor(index / 2),
          input: `question ${wordOf(index)}`,
          output: 'an answer',
          notes: index === 7 ? 'delightful' : null,
          flag: index % 10 === 0 ? 'success' : null,
          metadata: JSON.stringify({ model: 'm', route: '/r', latency_ms: 100, odd: [index] }),
          environment: 'test',
        } as never)
        .execute();
    }
  });
  await db.destroy();
  return path;
}

test('a file of the first version opens with facts, figures and search for all that it holds', async () => {
  const store = await openStore({ kind: 'sqlite', path: await oldFile() });
  onTestFinished(() => store.close());
  const { totals, models, routes } = await store.dashboard.overview('p', HOUR_OF_T0);
  expect(totals).toMatchObject({ tasks: COUNT, success: 121, failure: 0 });
  expect(models).toMatchObject([{ name: 'm', tasks: COUNT }]);
  expect(routes).toMatchObject([{ name: '/r', tasks: COUNT }]);
  const all = await store.tasks.list('p', { filters: {}, limit: 2000 });
  const texts = all.map(({ input, output, notes, metadata }) =>
    [input, output, notes ?? '', JSON.stringify(metadata)].join(''),
  );
  expect(await store.removal.bytes('p')).toBe(Buffer.byteLength(texts.join('')));

  const found = async (q: string) =>
    (await store.dashboard.tasks('p', { q, limit: 200 })).rows.map(({ id }) => id);
  for (const index of [0, 1, 499, 500, COUNT - 1])
    expect(await found(`${wordOf(index)} question`)).toEqual([`t${index}`]);
  expect(await found('delightful')).toEqual(['t7']);
  const [row] = (await store.dashboard.tasks('p', { limit: 1 })).rows;
  expect(row).toMatchObject({ id: `t${COUNT - 1}`, model: 'm', route: '/r', latency_ms: 100 });
  expect((await store.tasks.find('p', 't7'))?.metadata).toMatchObject({ odd: [7] });
});

test('says that it brings an old file up to date, which takes long, and nothing of a new one', async () => {
  const warn = vi.fn();
  const logger = { ...console, warn };
  const path = await oldFile();
  for (const _ of [1, 2]) {
    await (await createCollector({ database: `sqlite:${path}`, port: 0, logger })).close();
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/0002-dashboard, .*seconds/)]);
  }
  await (await createCollector({ database: 'sqlite::memory:', port: 0, logger })).close();
  expect(warn).toHaveBeenCalledTimes(1);
});

test('a key of the first version reads and writes, and is one of a start: another start may replace it', async () => {
  const path = await oldFile();
  const options = { database: `sqlite:${path}`, port: 0, project: 'p' };
  const kept = await createCollector(options);
  onTestFinished(() => kept.close());
  expect(kept.apiKey).toBeUndefined();
  await as(kept, OLD_KEY).get('/projects/p').expect(200);
  await as(kept, OLD_KEY).post('/tasks/t1', { notes: 'seen' }).expect(200);
  const next = await createCollector({ ...options, apiKey: 'a-key-of-the-next-start' });
  onTestFinished(() => next.close());
  await as(kept, OLD_KEY).get('/projects/p').expect(401);
  await as(kept, next.apiKey).get('/projects/p').expect(200);
});

test('what is stored and judged after the migration counts on from there', async () => {
  const path = await oldFile();
  const first = await openStore({ kind: 'sqlite', path });
  await first.tasks.change('p', 't1', {
    verdict: { value: 'failure', source: 'user', notes: 'unexpected' },
  });
  await first.close();
  const store = await openStore({ kind: 'sqlite', path });
  onTestFinished(() => store.close());
  const { totals } = await store.dashboard.overview('p', HOUR_OF_T0);
  expect(totals).toMatchObject({ tasks: COUNT, success: 121, failure: 1 });
  const page = await store.dashboard.tasks('p', { q: 'unexpected', limit: 10 });
  expect(page.rows.map(({ id }) => id)).toEqual(['t1']);
});
