import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newPostgres } from '../helpers/databases.ts';
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
  expect(imported).toMatchObject({ code: 0, err: '' });
  expect((await command(['export', second], environment)).code).toBe(0);
  expect(linesOf(second)).toEqual(linesOf(first));
  const target = await storeOf({ database: url });
  expect(await seen(target)).toEqual(await seen(source));

  // What is stored now arrives later than all that was imported.
  const task = { ...NEW, createdAt: Math.floor(Date.now() / 1000) };
  expect(await target.tasks.add('demo', [task])).toEqual(new Set(['new']));
  expect((await command(['import', second], environment)).code).toBe(0);
  const back = `sqlite:${join(folder, 'back.db')}`;
  expect((await command(['import', second, '--database', back])).code).toBe(0);
  expect((await command(['export', third, '--database', back])).code).toBe(0);
  expect(linesOf(third)).toEqual(linesOf(first));
});

const NEW = {
  id: 'new',
  sessionId: 's1',
  input: 'x',
  output: null,
  additionalInput: null,
  additionalOutput: null,
  metadata: {},
  data: null,
  flag: null,
  environment: 'test',
  testId: null,
  userId: null,
  versionId: null,
};
