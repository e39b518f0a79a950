import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { agent } from 'supertest';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Collector } from '../../src/collector/index.ts';
import { newPostgres } from '../helpers/databases.ts';
import { collectorOver, DASHBOARD_TOKEN } from './helpers/collectors.ts';
import { deafProxy } from './helpers/proxy.ts';

/** Follows a project live, as an open page does. */
async function follow(collector: Collector): Promise<{ news: () => number }> {
  await collector.listen();
  const login = await agent(collector.url)
    .post('/dashboard/api/session')
    .send({ token: DASHBOARD_TOKEN })
    .expect(204);
  const cookie = String(login.headers['set-cookie']).split(';')[0];
  const sent = request(`${collector.url}/dashboard/api/projects/demo/live`, {
    headers: { cookie },
  });
  sent.on('error', () => {});
  sent.end();
  onTestFinished(() => {
    sent.destroy();
  });
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  response.on('data', (chunk) => {
    text += chunk;
  });
  return { news: () => text.split('event: change').length - 1 };
}

const soon = { timeout: 15_000, interval: 20 };

test('a page that follows one collector is told of what another one stores', async () => {
  const database = await newPostgres();
  const [one, other] = await Promise.all([collectorOver(database), collectorOver(database)]);
  const { news } = await follow(one.collector);
  await other.log({ task_id: 't', input: 'x' }).expect(200);
  await vi.waitFor(() => expect(news()).toBeGreaterThan(0), soon);
  const before = news();
  await other.post('/tasks/t/flag', { flag: 'failure' }).expect(200);
  await vi.waitFor(() => expect(news()).toBeGreaterThan(before), soon);
});

test('a flag that waits at one collector is answered when its task arrives at another', async () => {
  const database = await newPostgres();
  const [one, other] = await Promise.all([collectorOver(database), collectorOver(database)]);
  const start = performance.now();
  const flagged = one.post('/tasks/late/flag', { flag: 'success' }).then((answer) => answer);
  await other.log({ task_id: 'other', input: 'x' }).expect(200);
  await other.log({ task_id: 'late', input: 'x' }).expect(200);
  expect(await flagged).toMatchObject({ status: 200, body: { id: 'late', flag: 'success' } });
  // Long before it would have looked for itself.
  expect(performance.now() - start).toBeLessThan(25_000);
});

test('where no notices come, as behind a pooler, it looks for itself', async () => {
  const database = await newPostgres();
  const proxy = await deafProxy(database);
  const [one, other] = await Promise.all([collectorOver(proxy.url), collectorOver(database)]);
  const { news } = await follow(one.collector);
  const flagged = one.post('/tasks/late/flag', { flag: 'success' }).then((answer) => answer);
  await vi.waitFor(() => expect(proxy.withheld).toBeGreaterThan(0), soon);
  const before = news();
  await other.log({ task_id: 'late', input: 'x' }).expect(200);
  expect((await flagged).body).toMatchObject({ id: 'late', flag: 'success' });
  await vi.waitFor(() => expect(news()).toBeGreaterThan(before), soon);
});

test('a connection that breaks is made anew, and what was missed is told', async () => {
  const database = await newPostgres();
  const [one, other] = await Promise.all([collectorOver(database), collectorOver(database)]);
  const { news } = await follow(one.collector);
  await other.log({ task_id: 'first', input: 'x' }).expect(200);
  await vi.waitFor(() => expect(news()).toBeGreaterThan(0), soon);
  const ended = `select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and query ilike 'listen%' and pid <> pg_backend_pid()`;
  const { default: pg } = await import('pg');
  const client = new pg.Client(database);
  await client.connect();
  // The last statement of a connection that listens is that.
  await vi.waitFor(async () => expect((await client.query(ended)).rowCount).toBe(2), soon);
  await client.end();
  const before = news();
  await other.log({ task_id: 't', input: 'x' }).expect(200);
  await vi.waitFor(() => expect(news()).toBeGreaterThan(before), soon);
  await other.log({ task_id: 't2', input: 'x' }).expect(200);
  await vi.waitFor(() => expect(news()).toBeGreaterThan(before + 1), soon);
});

test('collectors that start together over a new database agree on one key', async () => {
  const database = await newPostgres();
  const { createCollector } = await import('../../src/collector/index.ts');
  const all = await Promise.all(
    Array.from({ length: 4 }, () => createCollector({ database, port: 0, poolSize: 2 })),
  );
  onTestFinished(async () => {
    await Promise.all(all.map((collector) => collector.close()));
  });
  const keys = all.flatMap(({ apiKey }) => apiKey ?? []);
  expect(keys).toHaveLength(1);
  for (const { app } of all) {
    const http = agent(app).set('authorization', `Bearer ${keys[0]}`);
    await http.get('/v2/projects/demo').expect(200);
  }
});
