import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { compiled } from '../helpers/compiled.ts';
import { scratch, storeOf } from './removal-helpers.ts';
import { command, fillWithAll, linesOf, seen } from './transfer-helpers.ts';

/** A database with everything, and a folder for files. */
async function source() {
  const folder = scratch();
  const database = `sqlite:${join(folder, 'source.db')}`;
  const store = await storeOf({ database });
  await fillWithAll(store);
  return { folder, database, store };
}

/** Commands over an empty database of its own. */
function target(folder: string, name = 'target') {
  const database = `sqlite:${join(folder, `${name}.db`)}`;
  return {
    database,
    take: (file: string, ...args: string[]) =>
      command(['import', file, '--database', database, ...args]),
    write: (file: string, ...args: string[]) =>
      command(['export', file, '--database', database, ...args]),
  };
}

test('an export, imported elsewhere, is the same again: lines, figures, search, previews', async () => {
  const { folder, database, store } = await source();
  const first = join(folder, 'first.jsonl');
  const exported = await command(['export', first, '--database', database]);
  expect(exported).toMatchObject({ code: 0, err: '' });
  expect(exported.out).toContain('8 session(s), 1302 task(s), 1 test(s), 2 comparison(s)');
  expect(statSync(first).mode & 0o777).toBe(0o600);
  const { take, write, database: other } = target(folder);
  const imported = await take(first);
  expect(imported.code).toBe(0);
  expect(imported.err).toMatch(
    /^Project demo has no API key yet: .*keys create --project demo.*\n$/,
  );
  expect(imported.out).toContain('0 were there already, 0 line(s) were left out');
  const second = join(folder, 'second.jsonl.gz');
  await write(second);
  expect(linesOf(second)).toEqual(linesOf(first));
  expect(await seen(await storeOf({ database: other }))).toEqual(await seen(store));

  const again = await take(second);
  expect(again.out).toMatch(/imported 0 session\(s\), 0 task.*; 14\d\d were there already/);
  const third = join(folder, 'third.jsonl');
  await write(third);
  expect(linesOf(third)).toEqual(linesOf(first));
});

test('goes to another project by --project, beside what is there', async () => {
  const { folder, database, store } = await source();
  const file = join(folder, 'all.jsonl');
  await command(['export', file, '--database', database]);
  expect(
    await command(['import', file, '--database', database, '--project', 'copy']),
  ).toMatchObject({ code: 0, err: expect.stringMatching(/^Project copy has no API key yet: /) });
  // Arrivals are unique in a file: those of the copy are new, in the same order.
  const plain = (value: unknown) =>
    JSON.parse(JSON.stringify(value).replaceAll('"copy"', '"demo"'));
  expect(plain(await seen(store, 'copy'))).toEqual(plain(await seen(store, 'demo')));
  const copied = await store.tasks.find('copy', 't3');
  expect(copied?.last_eval?.project_id).toBe('copy');
});

test('--since, --until and --user export a part, and no preview of other tasks', async () => {
  const { folder, database } = await source();
  const file = join(folder, 'part.jsonl');
  const from = 1_790_000_000;
  const bounds = [
    '--since',
    `${from + 1000}`,
    '--until',
    new Date((from + 9000) * 1000).toISOString(),
  ];
  const part = ['--user', 'u1', ...bounds];
  const { code } = await command(['export', file, '--database', database, ...part]);
  expect(code).toBe(0);
  const rows = linesOf(file)
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const tasks = rows.filter(({ type }) => type === 'task');
  expect(tasks.length).toBeGreaterThan(20);
  for (const { user_id, created_at } of tasks) {
    expect(user_id).toBe('u1');
    expect(created_at).toBeGreaterThanOrEqual(from + 1000);
    expect(created_at).toBeLessThan(from + 9000);
  }
  const sessions = rows.filter(({ type }) => type === 'session');
  const used = new Set(tasks.map(({ session_id }) => session_id).filter((id) => id !== null));
  expect(new Set(sessions.map(({ id }) => id))).toEqual(used);
  expect(sessions.every(({ preview }) => preview === null)).toBe(true);
  expect(rows.some(({ type }) => type === 'test' || type === 'comparison')).toBe(false);
  const { take, database: other } = target(folder);
  expect((await take(file)).code).toBe(0);
  const previews = (
    await (
      await storeOf({ database: other })
    ).sessions.list('demo', {
      ...{ filters: {}, limit: 100 },
    })
  ).map(({ preview }) => preview);
  expect(previews.every((preview) => preview?.startsWith('question'))).toBe(true);
});

test('standard output and input, compressed', async () => {
  const { folder, database } = await source();
  const main = await compiled('src/cli/main.ts');
  const other = join(folder, 'piped.db');
  const line =
    `'${process.execPath}' '${main}' collector export --gzip --database '${database}' | ` +
    `'${process.execPath}' '${main}' collector import - --database 'sqlite:${other}'`;
  const child = spawn('sh', ['-c', line], { stdio: 'ignore' });
  expect((await once(child, 'close'))[0]).toBe(0);
  const tasks = await (await storeOf({ database: `sqlite:${other}` })).tasks.list('demo', {
    ...{ filters: {}, limit: 2000 },
  });
  expect(tasks).toHaveLength(1302);
});

describe('import', () => {
  test('takes log events, and leaves out bad lines with their numbers', async () => {
    const folder = scratch();
    const file = join(folder, 'events.jsonl');
    const lines = [
      { task_id: 'a', session_id: 's', input: 'x', output: 'y', project_id: 'another', own: 1 },
      '',
      '{"task_id": "b"',
      { task_id: 'c', input: 7 },
      { task_id: 'd', input: 'x', created_at: 1_790_000_000 },
      [],
      { task_id: 'a', input: 'again' },
    ].map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    writeFileSync(file, Buffer.concat([Buffer.from(`${lines.join('\n')}\n`), Buffer.from([0xff])]));
    const { take, database } = target(folder);
    const { code, out, err } = await take(file, '--project', 'shop');
    expect(code).toBe(1);
    expect(out).toContain('2 task(s)');
    expect(out).toContain('into the project shop; 1 were there already, 4 line(s) were left out');
    expect(err.split('\n')).toEqual([
      'line 3: is not JSON in UTF-8',
      expect.stringMatching(/^line 4: input: /),
      expect.stringMatching(/^line 6: /),
      'line 8: is not JSON in UTF-8',
      expect.stringMatching(/^Project shop has no API key yet: /),
      '',
    ]);
    const store = await storeOf({ database });
    expect(await store.tasks.find('shop', 'a')).toMatchObject({ input: 'x', metadata: { own: 1 } });
  });

  test('leaves out lines of an export that are not valid, and verdicts without a task', async () => {
    const folder = scratch();
    const file = join(folder, 'broken.jsonl');
    const now = Math.floor(Date.now() / 1000);
    const lines = [
      { type: 'header', format: 1, project_id: 'demo' },
      { type: 'task', id: 'a', created_at: now, input: 'by hand' },
      { type: 'task', id: 'a\u0000', created_at: now, input: 'x' },
      { type: 'eval', id: 'e', created_at: now, task_id: 'none', value: 'success', source: 'user' },
      { type: 'unheard-of' },
      { type: 'task', id: 'z', created_at: 2 ** 53 - 1, input: 'of no year' },
      // Arrivals that this database must not be moved to.
      { type: 'task', id: 'b', created_at: now, received_us: 2 ** 53 - 1, input: 'far' },
      { type: 'task', id: 'c', created_at: now, received_us: -5, input: 'early' },
    ];
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'));
    const { take, database } = target(folder);
    const { code, out, err } = await take(file);
    expect(code).toBe(1);
    expect(out).toContain('0 session(s), 3 task(s), 0 eval(s)');
    expect(err).toMatch(/line 3: task: id: .*\n/);
    expect(err).toMatch(/line 4: eval: there is no task/);
    expect(err).toMatch(/line 6: task: created_at: .*253402300799/);
    expect(err).toMatch(/line 5: has no type of session, task/);
    const store = await storeOf({ database });
    const tasks = await store.tasks.list('demo', { filters: {}, limit: 10 });
    expect(tasks.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
  });

  test('stores what comes before the place where a file is cut off', async () => {
    const { folder, database } = await source();
    const file = join(folder, 'cut.jsonl.gz');
    await command(['export', file, '--database', database]);
    truncateSync(file, Math.floor(statSync(file).size * 0.6));
    const { code, out, err } = await target(folder).take(file);
    expect(code).toBe(1);
    expect(err).toContain('the file ends early');
    expect(out).toMatch(/imported 8 session\(s\), [1-9]\d+ task/);
  });

  test('passes over a line of a size that no task has, and reads on', async () => {
    const folder = scratch();
    const file = join(folder, 'bomb.jsonl.gz');
    const event = (id: string) => Buffer.from(`${JSON.stringify({ task_id: id, input: 'x' })}\n`);
    const huge = Buffer.alloc(129 * 2 ** 20, 'x');
    writeFileSync(
      file,
      gzipSync(Buffer.concat([event('a'), huge, Buffer.from('\n'), event('b')]), { level: 1 }),
    );
    const { code, out, err } = await target(folder).take(file);
    expect(err).toMatch(/^line 2: is longer than 128 MiB\n/);
    expect(out).toContain('2 task(s)');
    expect(code).toBe(1);
  });

  test.each([
    [['/nowhere/file.jsonl'], /none at \/nowhere/],
    [[], /missing required argument/],
  ])('says what is wrong with %j', async (args, message) => {
    const { code, err } = await command(['import', ...args]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test('refuses a file of a newer version', async () => {
    const folder = scratch();
    const file = join(folder, 'newer.jsonl');
    writeFileSync(file, '{"type":"header","format":2,"project_id":"demo"}\n');
    const { code, err } = await target(folder).take(file);
    expect(code).toBe(2);
    expect(err).toContain('format 2; this version reads up to 1. Update phospho-express');
  });
});

describe('export', () => {
  test('is noted in the audit before anything leaves: by whom, to where, and which part', async () => {
    const { folder, database, store } = await source();
    const file = join(folder, 'part.jsonl');
    await command([
      'export',
      file,
      '--database',
      database,
      '--user',
      'u1',
      '--since',
      '1790000000',
    ]);
    expect(await store.audit.list('demo', { limit: 1 })).toMatchObject([
      {
        actor: expect.stringMatching(/^command line \(/),
        ...{ act: 'data.export', subject: 'demo' },
        details: { to: file, since: 1_790_000_000, until: null, user: 'u1' },
      },
    ]);
  });

  test('does not replace a file unless told to, and leaves none behind when it fails', async () => {
    const { folder, database } = await source();
    const file = join(folder, 'kept.jsonl');
    writeFileSync(file, 'mine');
    const refused = await command(['export', file, '--database', database]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--force replaces it') });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect((await command(['export', file, '--database', database, '--force'])).code).toBe(0);
    expect(linesOf(file).length).toBeGreaterThan(1000);
    const nowhere = join(folder, 'none', 'x.jsonl');
    expect((await command(['export', nowhere, '--database', database])).code).toBe(2);
  });

  test.each([
    [['--since', 'yesterday'], /--since takes a date like 2026-01-31.*"yesterday" came/],
    [['--until', '2026-02-31'], /--until takes a date like .*"2026-02-31" came/],
    [['--project', 'none'], /no project none/],
  ])('says what is wrong with %j', async (args, message) => {
    const { folder, database } = await source();
    const file = join(folder, 'x.jsonl');
    const { code, err } = await command(['export', file, '--database', database, ...args]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });
});
