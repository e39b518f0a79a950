import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CollectorOptions, createCollector } from '../../src/collector/index.ts';
import { PhosphoConfigError } from '../../src/errors.ts';
import { idsOf } from './collector-helpers.ts';

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'phospho-collector-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function open(database: string, options: CollectorOptions = {}) {
  const collector = await createCollector({ database, port: 0, ...options });
  onTestFinished(() => collector.close());
  const as = (key: string | undefined) =>
    agent(collector.app).set('authorization', `Bearer ${key}`);
  return { collector, as };
}

test('a restart keeps data and key; the key itself is not stored', async () => {
  const database = `sqlite:${join(scratch(), 'phospho.db')}`;
  const first = await open(database);
  const key = first.collector.apiKey;
  expect(key).toMatch(/^phk_[\w-]{43}$/);
  const batched_log_events = [{ task_id: 't', session_id: 's', input: 'x' }];
  await first.as(key).post('/v2/log/demo').send({ batched_log_events }).expect(200);
  await first.collector.close();
  const second = await open(database);
  expect(second.collector.apiKey).toBeUndefined();
  const { body } = await second.as(key).get('/v2/projects/demo/tasks').expect(200);
  expect(idsOf(body.tasks)).toEqual(['t']);
});

test('a given key replaces the stored one', async () => {
  const database = `sqlite:${join(scratch(), 'phospho.db')}`;
  const first = await open(database);
  const old = first.collector.apiKey;
  await first.collector.close();
  const apiKey = 'another-key-0123456789';
  const second = await open(database, { apiKey });
  await second.as(apiKey).get('/v2/projects/demo').expect(200);
  await second.as(old).get('/v2/projects/demo').expect(401);
});

test('projects in one database stay apart', async () => {
  const database = `sqlite:${join(scratch(), 'phospho.db')}`;
  const a = await open(database, { project: 'a' });
  const b = await open(database, { project: 'b' });
  const asA = a.as(a.collector.apiKey);
  const asB = a.as(b.collector.apiKey);
  const event = { task_id: 't', session_id: 's' };
  const log = (of: typeof asA, project: string) =>
    of
      .post(`/v2/log/${project}`)
      .send({ batched_log_events: [{ ...event, input: project }] })
      .expect(200);
  await log(asA, 'a');
  await asB.get('/v2/tasks/t').expect(404);
  await asB.get('/v2/sessions/s').expect(404);
  await asB.post('/v2/tasks/t').send({ notes: 'x' }).expect(404);
  await log(asB, 'b');
  expect((await asA.get('/v2/tasks/t')).body.input).toBe('a');
  expect((await asB.get('/v2/tasks/t')).body.input).toBe('b');
  await asA.get('/v2/projects/b').expect(403);
  const apiKey = a.collector.apiKey;
  const sharing = createCollector({ database, project: 'b', ...(apiKey && { apiKey }) });
  await expect(sharing).rejects.toThrow(PhosphoConfigError);
});

describe('the database', () => {
  test('file is for its owner only', async () => {
    const path = join(scratch(), 'phospho.db');
    await open(`sqlite:${path}`);
    for (const suffix of ['', '-wal', '-shm'])
      expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  });

  test.each<[string, (directory: string) => string, RegExp]>([
    [
      'in a directory that is not there',
      (dir) => join(dir, 'no/phospho.db'),
      /cannot open .*ENOENT/,
    ],
    ['that is a directory', (dir) => dir, /cannot open the database/],
    [
      'that is another file',
      (dir) => {
        writeFileSync(
          join(dir, 'text'),
          'this is no database, but a text of some length. '.repeat(99),
        );
        return join(dir, 'text');
      },
      /cannot open the database .*(not a database)/,
    ],
  ])('%s is refused with advice', async (_name, pathIn, message) => {
    const opening = createCollector({ database: `sqlite:${pathIn(scratch())}` });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toBeInstanceOf(PhosphoConfigError);
  });
});
