import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { Logger } from '../../src/internal/logger.ts';
import { makePostgres, PASSWORD, type Postgres } from '../helpers/postgres.ts';
import { collectorOver, KEY } from './helpers/collectors.ts';

let postgres: Postgres;

beforeAll(async () => {
  postgres = await makePostgres({ isDurable: true });
});
afterAll(async () => {
  await postgres.remove();
});

let databases = 0;

async function started(options: { logger?: Logger; poolSize?: number } = {}) {
  const name = `outage${++databases}`;
  await postgres.run('postgres', `create database ${name}`);
  return { name, ...(await collectorOver(postgres.url(name), options)) };
}

function listening() {
  const said: string[] = [];
  const say = (message: string): void => void said.push(message);
  return { said, logger: { debug: say, info: say, warn: say, error: say } };
}

test('an outage is in the log, though nothing but spans and administration comes', async () => {
  const { said, logger } = listening();
  const { collector } = await started({ logger });
  await collector.listen();
  await postgres.stop('SIGINT');
  const ask = (path: string, method: string) =>
    fetch(`${collector.url}${path}`, {
      ...{
        method,
        headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      },
      ...(method === 'POST' && { body: '{}' }),
    });
  const spans = await ask('/v1/traces', 'POST');
  expect(said.join('\n')).toMatch(/the database cannot take requests now/);
  for (const answer of [
    spans,
    await ask('/v2/tasks/t', 'DELETE'),
    await ask('/v2/admin/projects/demo/keys', 'GET'),
  ]) {
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  }
  expect(said.filter((line) => line.includes('cannot take requests'))).toHaveLength(1);
  await postgres.start();
});

test('while the database is away requests are 503 with Retry-After, and then they work again', async () => {
  const { said, logger } = listening();
  const { collector, get, post, log } = await started({ logger });
  await log({ task_id: 'before', input: 'x' }).expect(200);
  await collector.listen();
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    await postgres.stop(signal);
    for (const ask of [
      () => log({ task_id: 'meanwhile', input: 'x' }),
      () => get('/tasks/before'),
      () => post('/tasks/before/flag', { flag: 'success' }),
      () => get('/projects/demo/sessions'),
      () => get('/health'),
    ]) {
      const answer = await ask();
      expect(answer.status).toBe(503);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.body.detail).toEqual(expect.any(String));
      expect(answer.text).not.toContain(PASSWORD);
    }
    const page = await fetch(`${collector.url}/dashboard/api/session`, {
      headers: { cookie: `phospho_dashboard_${new URL(collector.url).port}=secret` },
    });
    expect(page.status).toBe(503);
    await postgres.start();
    await get('/tasks/before').expect(200);
    await log({ task_id: `after-${signal}`, input: 'x' }).expect(200);
    await get(`/tasks/after-${signal}`).expect(200);
  }
  await get('/tasks/meanwhile').expect(404);
  expect(said.join('\n')).toMatch(/the database cannot take requests now/);
  expect(said.join('\n')).not.toContain(PASSWORD);
  expect(said.join('\n')).not.toContain(KEY);
});

test('what was answered 200 is there when the database breaks under many requests', async () => {
  const { get, log } = await started();
  const acknowledged: string[] = [];
  let isOver = false;
  const senders = Array.from({ length: 4 }, async (_, sender) => {
    for (let n = 0; !isOver; n++) {
      const id = `${sender}-${n}`;
      const answer = await log({ task_id: id, session_id: `s${sender}`, input: 'x' });
      expect([200, 503]).toContain(answer.status);
      if (answer.status === 200) acknowledged.push(id);
    }
  });
  const more = async (): Promise<void> => {
    const before = acknowledged.length;
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(before + 20), 20_000);
  };
  await more();
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    await postgres.stop(signal);
    await postgres.start();
    await more();
  }
  isOver = true;
  await Promise.all(senders);
  const { tasks } = (await get('/projects/demo/tasks?limit=10000').expect(200)).body;
  const stored = tasks.map(({ id }: { id: string }) => id);
  expect(stored).toEqual(expect.arrayContaining(acknowledged));
  expect(new Set(stored).size).toBe(stored.length);
});

test('a database that is dropped, or lets nobody in, is a 503 too', async () => {
  const { name, get, log } = await started();
  await log({ task_id: 't', input: 'x' }).expect(200);
  await postgres.run('postgres', `drop database ${name} with (force)`);
  await get('/tasks/t').expect(503);
  await postgres.run('postgres', `create database ${name} allow_connections false`);
  const { body } = await get('/tasks/t').expect(503);
  expect(body.detail).not.toContain(name);
});

test('requests beyond the pool wait their turn, and a lock that is not given back is a 503', async () => {
  const { name, get, log, post } = await started({ poolSize: 2 });
  await log({ task_id: 't', input: 'x' }).expect(200);
  const { default: pg } = await import('pg');
  const other = new pg.Client(postgres.url(name));
  await other.connect();
  onTestFinished(() => other.end());
  await other.query('begin');
  await other.query('select 1 from tasks for update');
  // More than the pool has: two wait for the lock, the others for a connection.
  const held = Array.from({ length: 4 }, () => post('/tasks/t/flag', { flag: 'success' }));
  const answers = await Promise.all(held);
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
  await other.query('rollback');
  await post('/tasks/t/flag', { flag: 'success' }).expect(200);
  expect((await get('/tasks/t')).body.flag).toBe('success');
});
