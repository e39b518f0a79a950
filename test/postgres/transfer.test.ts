import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { newPostgres } from '../helpers/databases.ts';
import { newTask } from '../helpers/new-task.ts';
import { scratch, storeOf } from '../integration/removal-helpers.ts';
import { command, fillWithAll, linesOf, seen } from '../integration/transfer-helpers.ts';

test('SQLite to a file to PostgreSQL to a file: the same lines, figures, search and previews', async () => {
  const folder = scratch();
  // Made first, as one who moves does: what SQLite stores meanwhile is of a later time than its sequence's start.
  const url = await newPostgres();
  await (await storeOf({ database: url })).projects.ensure('other');
  const environment = { PHOSPHO_COLLECTOR_DATABASE: url };
  const database = `sqlite:${join(folder, 'source.db')}`;
  const source = await storeOf({ database });
  await fillWithAll(source);
  const [first, second, third] = ['1', '2', '3'].map((name) => join(folder, `${name}.jsonl`)) as [
    string,
    string,
    string,
  ];
  expect((await command(['export', first, '--database', database])).code).toBe(0);
  const imported = await command(['import', first], environment);
  expect(imported).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^Project demo has no API key yet: .*\n$/),
  });
  expect((await command(['export', second], environment)).code).toBe(0);
  expect(linesOf(second)).toEqual(linesOf(first));
  const target = await storeOf({ database: url });
  expect(await seen(target)).toEqual(await seen(source));

  // What is stored now arrives later than all that was imported.
  const task = newTask({ id: 'new', sessionId: 's1', createdAt: Math.floor(Date.now() / 1000) });
  expect(await target.tasks.add('demo', [task])).toEqual(new Set(['new']));
  expect((await command(['import', second], environment)).code).toBe(0);
  const back = `sqlite:${join(folder, 'back.db')}`;
  expect((await command(['import', second, '--database', back])).code).toBe(0);
  expect((await command(['export', third, '--database', back])).code).toBe(0);
  expect(linesOf(third)).toEqual(linesOf(first));
});

test('a verdict whose task is deleted at the same moment is left out, and the import goes on', async () => {
  const url = await newPostgres();
  const store = await storeOf({ database: url });
  await store.projects.ensure('demo');
  await store.tasks.add('demo', [newTask({ id: 'new' })]);
  const other = new pg.Client(url);
  await other.connect();
  onTestFinished(() => other.end());
  await other.query('begin');
  await other.query("delete from tasks where id = 'new'");
  const row = { id: 'e', created_at: 1, received_us: 1, session_id: null, task_id: 'new' };
  const verdict = { ...row, value: 'success', source: 'x', test_id: null, notes: null } as const;
  const put = store.transfer.put('demo', [{ kind: 'eval', row: verdict }]);
  const waits = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
  const watcher = new pg.Client(url);
  await watcher.connect();
  onTestFinished(() => watcher.end());
  while ((await watcher.query(waits)).rowCount === 0);
  await other.query('commit');
  expect(await put).toMatchObject({ stored: { eval: 0 }, orphans: [{ row: { id: 'e' } }] });
});
