import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import type { Store } from '../../src/collector/store/store.ts';
import { Run } from '../helpers/cli.ts';
import { newTask } from '../helpers/new-task.ts';
import { scratch, storeOf } from './removal-helpers.ts';
import { command, fillWithAll } from './transfer-helpers.ts';

/** Stores batches of ten until it is told to stop, and answers how many it has stored. */
function load(store: Store): { stop: () => Promise<number>; batches: () => number } {
  let isOver = false;
  let batches = 0;
  const done = (async () => {
    for (; !isOver; batches++) {
      const tasks = Array.from({ length: 10 }, (_, i) =>
        newTask({ id: `load-${batches}-${i}`, input: 'x'.repeat(2000) }),
      );
      await store.tasks.add('demo', tasks);
      // Others have a turn: the command's exit is heard of.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return batches * 10;
  })();
  return {
    stop: () => {
      isOver = true;
      return done;
    },
    batches: () => batches,
  };
}

test('copies a database that is written to, whole batches only, and a collector opens the copy', async () => {
  const folder = scratch();
  const database = `sqlite:${join(folder, 'phospho.db')}`;
  const store = await storeOf({ database });
  await fillWithAll(store);
  const { stop, batches } = load(store);
  const before = batches() * 10;
  const file = join(folder, 'copy.db');
  const done = await command(['backup', file, '--database', database]);
  const after = await stop();
  expect(done).toMatchObject({ code: 0, err: '' });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder).filter((name) => name.startsWith('copy'))).toEqual(['copy.db']);

  const collector = await createCollector({ database: `sqlite:${file}`, port: 0 });
  onTestFinished(() => collector.close());
  const copy = await storeOf({ database: `sqlite:${file}` });
  const { createdAt } = newTask({ id: 'any' });
  const hour = createdAt - (createdAt % 3600);
  const columns = { starts: [hour], to: hour + 15 * 3600 };
  const { totals } = await copy.dashboard.overview('demo', columns);
  const loaded = totals.tasks - 1302;
  expect(loaded % 10).toBe(0);
  expect(loaded).toBeGreaterThanOrEqual(before);
  expect(loaded).toBeLessThanOrEqual(after);
  expect(done.out).toContain(`with ${totals.tasks} task(s)`);
  expect(await copy.tasks.find('demo', 't3')).toEqual(await store.tasks.find('demo', 't3'));
});

test('has no word of what was deleted, though the search’s index in the source has it yet', async () => {
  const folder = scratch();
  const path = join(folder, 'phospho.db');
  const store = await storeOf({ database: `sqlite:${path}` });
  await store.projects.ensure('demo');
  for (const id of ['ada', 'bob'])
    await store.tasks.add('demo', [newTask({ id, userId: id, input: `${id}zqkwomblefizz` })]);
  await store.removal.remove('demo', { kind: 'user', id: 'ada' });
  const has = (name: string, word: string) => readFileSync(name, 'latin1').includes(word);
  expect(has(path, 'adazq') || has(`${path}-wal`, 'adazq')).toBe(true);
  const file = join(folder, 'copy.db');
  expect((await command(['backup', file, '--database', `sqlite:${path}`])).code).toBe(0);
  expect([has(file, 'adazq'), has(file, 'bobzq')]).toEqual([false, true]);
  const found = await (await storeOf({ database: `sqlite:${file}` })).dashboard.tasks('demo', {
    q: 'bobzqkwomblefizz',
    limit: 5,
  });
  expect(found.rows.map(({ id }) => id)).toEqual(['bob']);
});

test('removes what an attempt at the same file has left that was killed, and nothing else', async () => {
  const folder = scratch();
  const database = `sqlite:${join(folder, 'phospho.db')}`;
  await (await storeOf({ database })).projects.ensure('demo');
  const file = join(folder, 'copy.db');
  const { child, done } = new Run(['--version']);
  await done;
  const stays = [`copy.db.${process.pid}.part`, 'copy.db.old.part', `other.db.${child.pid}.part`];
  const goes = [`copy.db.${child.pid}.part`, `copy.db.${child.pid}.part-journal`];
  for (const name of [...stays, ...goes]) writeFileSync(join(folder, name), 'x');
  expect(await command(['backup', file, '--database', database])).toMatchObject({ code: 0 });
  const names = readdirSync(folder).filter((name) => !name.startsWith('phospho.db'));
  expect(names.sort()).toEqual(['copy.db', ...stays].sort());
});

test('does not replace a file unless told to', async () => {
  const folder = scratch();
  const database = `sqlite:${join(folder, 'phospho.db')}`;
  await (await storeOf({ database })).projects.ensure('demo');
  const file = join(folder, 'copy.db');
  writeFileSync(file, 'mine');
  const refused = await command(['backup', file, '--database', database]);
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--force replaces it') });
  expect(statSync(file).size).toBe(4);
  expect((await command(['backup', file, '--database', database, '--force'])).code).toBe(0);
  expect(statSync(file).size).toBeGreaterThan(4096);
});

test('says what is wrong, and leaves no file behind', async () => {
  const folder = scratch();
  const text = join(folder, 'text.db');
  writeFileSync(text, 'a text, and no database at all. '.repeat(100));
  const file = join(folder, 'copy.db');
  for (const [database, message] of [
    [`sqlite:${text}`, /no database of a collector/],
    [`sqlite:${join(folder, 'none.db')}`, /there is no database at/],
    ['sqlite::memory:', /within the collector that runs/],
  ] as const) {
    const { code, err } = await command(['backup', file, '--database', database]);
    expect({ database, code }).toEqual({ database, code: 2 });
    expect(err).toMatch(message);
  }
  expect(readdirSync(folder)).toEqual(['text.db']);
});

test('prints the command that copies a PostgreSQL, without its password', async () => {
  const PHOSPHO_COLLECTOR_DATABASE =
    'postgres://me:hunter2@db.internal:5433/phospho?sslmode=require&password=hunter2';
  const { code, err } = await command(['backup', "it's.dump"], { PHOSPHO_COLLECTOR_DATABASE });
  expect(code).toBe(2);
  expect(err).toContain(
    "pg_dump --format=custom --file='it'\\''s.dump' 'postgres://me@db.internal:5433/phospho?sslmode=require'",
  );
  expect(err).not.toContain('hunter2');
});
