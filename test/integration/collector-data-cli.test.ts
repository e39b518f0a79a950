import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Run } from '../helpers/cli.ts';
import { scratch } from './removal-helpers.ts';
import { command } from './transfer-helpers.ts';

const KEY = 'a-key-of-these-tests';

async function running() {
  const path = join(scratch(), 'phospho.db');
  const database = `sqlite:${path}`;
  const collector = await new Run(['collector', '--port', '0', '--database', database], {
    PHOSPHO_COLLECTOR_API_KEY: KEY,
  }).ready();
  const base = collector.exported('PHOSPHO_BASE_URL');
  const headers = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
  return {
    path,
    database,
    get: (route: string) => fetch(`${base}${route}`, { headers }),
    log: async (...events: unknown[]) => {
      const body = JSON.stringify({ batched_log_events: events });
      const answer = await fetch(`${base}/log/demo`, { method: 'POST', headers, body });
      expect(answer.status).toBe(200);
    },
  };
}

describe('collector delete', () => {
  test('deletes all of a user beside a running collector, and out of the file', async () => {
    const { path, database, log, get } = await running();
    await log(
      { task_id: 'a', session_id: 's', user_id: 'ada', input: 'quizzacious zebra' },
      { task_id: 'b', user_id: 'bob', input: 'harmless' },
    );
    const asked = await command(['delete', '--database', database, '--user', 'ada']);
    expect(asked.code).toBe(2);
    expect(asked.err).toContain('1 task(s) and 1 session(s) of user ada');
    expect((await get('/tasks/a')).status).toBe(200);

    const done = await command(['delete', '--database', database, '--user', 'ada', '--yes']);
    expect(done).toMatchObject({ code: 0, err: '' });
    expect(done.out).toBe('deleted 1 task(s) and 1 session(s) of user ada of the project demo\n');
    expect((await get('/tasks/a')).status).toBe(404);
    expect((await get('/tasks/b')).status).toBe(200);
    const files = [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join('');
    expect(files).not.toMatch(/izzacious/i);
    expect(files).toContain('harmless');

    const again = await command(['delete', '--database', database, '--user', 'ada', '--yes']);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('nothing is stored') });
    expect((await command(['delete', '--database', database, '--task', 'a', '--yes'])).code).toBe(
      1,
    );
  });

  test('deletes all that a project has, and keeps the project and its key', async () => {
    const { database, log, get } = await running();
    await log(...Array.from({ length: 1200 }, (_, i) => ({ session_id: `s${i % 7}`, input: 'x' })));
    const { code, out } = await command(['delete', '--database', database, '--all', '--yes']);
    expect(code).toBe(0);
    expect(out).toContain('deleted 1200 task(s) and 7 session(s)');
    const { tasks } = (await (await get('/projects/demo/tasks')).json()) as { tasks: unknown[] };
    expect(tasks).toEqual([]);
  });

  test.each([
    [['--yes'], /one of --task.*0 came/],
    [['--task', 'a', '--user', 'b'], /one of --task.*2 came/],
    [['--user', ''], /an empty id came/],
    [['--project', 'none', '--user', 'a'], /no project none/],
    [['--database', 'sqlite:/nowhere/phospho.db', '--all'], /no database at \/nowhere/],
    [['--nonsense'], /unknown option/],
  ])('says what is wrong with %j', async (args, message) => {
    const database = join(scratch(), 'phospho.db');
    await import('../../src/collector/index.ts').then(({ createCollector }) =>
      createCollector({ database: `sqlite:${database}`, port: 0 }).then((it) => it.close()),
    );
    const { code, out, err } = await command([
      'delete',
      '--database',
      `sqlite:${database}`,
      ...args,
    ]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
  });
});
