import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../../../src/collector/store/open-store.ts';
import { openDriver, openSqlite } from '../../../src/collector/store/sqlite/open-sqlite.ts';
import { Remains } from '../../../src/collector/store/sqlite/remains.ts';
import { scratch } from '../../integration/removal-helpers.ts';

test('while a reader keeps the log from being emptied, what is merged is not merged again', async () => {
  const path = join(scratch(), 'phospho.db');
  await (await openStore({ kind: 'sqlite', path })).close();
  const db = await openSqlite(path);
  onTestFinished(() => db.destroy());
  const reader = await openDriver(path);
  onTestFinished(() => reader.close());
  const remains = new Remains(db);
  await db.transaction().execute((tx) => remains.note(tx));
  reader.prepare('begin').run([]);
  reader.prepare('select count(*) from projects').all([]);
  for (let step = 0; step < 5; step++) expect(await remains.scrub()).toBe(false);
  const transactions = vi.spyOn(db, 'transaction');
  for (let step = 0; step < 5; step++) expect(await remains.scrub()).toBe(false);
  expect(transactions).not.toHaveBeenCalled();
  reader.prepare('commit').run([]);
  expect(await remains.scrub()).toBe(true);
  expect(await remains.scrub()).toBe(true);
});
