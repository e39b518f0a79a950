import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { PhosphoConfigError } from '../../src/errors.ts';
import { newPostgres } from '../helpers/databases.ts';
import { PASSWORD } from '../helpers/postgres.ts';

async function ask(database: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(database);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const STEPS = [
  '0001-initial',
  '0002-dashboard',
  '0003-text-search',
  '0004-many-writers',
  '0010-comparison-reason',
  '0011-otlp',
  '0012-keys-settings-audit',
  '0013-removal',
  '0014-search-merges',
];

test('five processes that start at the same time over a new database make its schema once', async () => {
  const database = await newPostgres();
  const script = fileURLToPath(new URL('helpers/open-store.ts', import.meta.url));
  const children = Array.from({ length: 5 }, () =>
    spawn(process.execPath, ['--import', 'tsx', script, database]),
  );
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const said = children.map(() => '');
  for (const [index, child] of children.entries())
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said[index] += chunk;
      });
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const ended = children.map((child) => once(child, 'close'));
  for (const child of children) child.stdin.write('go\n');
  expect((await Promise.all(ended)).map(([code]) => code)).toEqual([0, 0, 0, 0, 0]);
  expect(said).toEqual(Array.from({ length: 5 }, () => 'ready\nopen\n'));
  const names = await ask(database, 'select name from kysely_migration order by name');
  expect(names).toEqual(STEPS.map((name) => ({ name })));
});

test('the schema of a newer version is refused, and the database stays as it is', async () => {
  const database = await newPostgres();
  await (await createCollector({ database, port: 0 })).close();
  await ask(database, `insert into kysely_migration values ('0099-future', 'now')`);
  const opening = createCollector({ database, port: 0 });
  await expect(opening).rejects.toThrow(
    /is of a newer version of phospho-express: it has 0099-future, .*Update phospho-express/,
  );
  await expect(opening).rejects.toBeInstanceOf(PhosphoConfigError);
});

test('partitions are made with a new database, and are found again', async () => {
  const database = await newPostgres();
  await (await createCollector({ database, port: 0, partitions: 3 })).close();
  const [{ tables }] = (await ask(
    database,
    `select count(*)::int as tables from pg_inherits join pg_class on oid = inhparent
     where relkind = 'p' and relname <> ''`,
  )) as [{ tables: number }];
  // Twelve tables of a project's rows, three parts each.
  expect(tables).toBe(36);
  await (await createCollector({ database, port: 0, partitions: 3 })).close();
  await (await createCollector({ database, port: 0 })).close();
  await expect(createCollector({ database, port: 0, partitions: 4 })).rejects.toThrow(
    /partitions takes the number that the database has: .* were made with 3; 4 came/,
  );
});

test('a database in another encoding is refused, with what to do', async () => {
  const database = new URL(await newPostgres());
  const name = `${database.pathname.slice(1)}_latin`;
  await ask(database.href, `create database ${name} encoding 'LATIN1' template template0`);
  onTestFinished(async () => {
    await ask(database.href, `drop database ${name} with (force)`);
  });
  const latin = new URL(database);
  latin.pathname = name;
  const opening = createCollector({ database: latin.href, port: 0 });
  await expect(opening).rejects.toThrow(/in UTF8; postgres:.* is in LATIN1\. Create another/);
  await expect(opening).rejects.not.toThrow(PASSWORD);
});
