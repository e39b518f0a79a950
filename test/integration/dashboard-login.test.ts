import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startDashboard, TOKEN } from '../helpers/dashboard.ts';
import { as } from './collector-helpers.ts';

const TASKS = '/projects/demo/tasks';

afterEach(() => {
  vi.useRealTimers();
});

test('the printed link holds the token behind a #, and the token logs in', async () => {
  const { collector, login, get } = await startDashboard();
  expect(collector.dashboardUrl).toBe(`${collector.url}/dashboard#token=${TOKEN}`);
  await get(TASKS).expect(401);
  const { headers } = await login().expect(204);
  expect(headers['set-cookie']?.[0]).toMatch(
    /^phospho_dashboard_\d+=[\w-]{43}; Max-Age=604800; Path=\/dashboard\/; .*HttpOnly; SameSite=Strict$/,
  );
  await get(TASKS).expect(200, { tasks: [], older: null, newer: null });
});

test('a random token is made where none is given', async () => {
  const { collector, login, get } = await startDashboard({ dashboardToken: undefined as never });
  const token = /#token=([\w-]{43})$/.exec(collector.dashboardUrl)?.[1];
  await login(token).expect(204);
  await get('/session').expect(200);
});

test.each([
  ['a wrong token', { token: 'wrong' }, 401],
  ['an empty token', { token: '' }, 401],
  ['no token', {}, 422],
  ['a token of another type', { token: 7 }, 422],
  ['a huge token', { token: 'x'.repeat(10_000) }, 422],
])('%s lets nobody in', async (_name, body, status) => {
  const { post, get } = await startDashboard();
  const answer = await post('/session', body).expect(status);
  expect(answer.headers).not.toHaveProperty('set-cookie');
  await get(TASKS).expect(401);
});

test('guessing is slowed down', async () => {
  const { login } = await startDashboard();
  for (let i = 0; i < 30; i++) await login(`guess ${i}`).expect(401);
  const { headers } = await login().expect(429);
  expect(headers['retry-after']).toBe('60');
});

test('a login is in the audit, and a refused one is not', async () => {
  const adminToken = 'the-admin-token-of-the-tests';
  const { collector, login } = await startDashboard({ adminToken });
  await login('a wrong token').expect(401);
  await login().expect(204);
  const { body } = await as(collector, adminToken).get('/admin/audit?limit=1').expect(200);
  expect(body.acts).toEqual([
    expect.objectContaining({
      ...{ act: 'dashboard.login', actor: 'dashboard token', project_id: null },
      details: { address: expect.stringContaining('127.0.0.1') },
    }),
  ]);
});

test('a login ends by logging out', async () => {
  const { browser, login, get } = await startDashboard();
  const { headers } = await login().expect(204);
  const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
  await browser.delete('/dashboard/api/session').expect(204);
  await get(TASKS).expect(401);
  await get(TASKS).set('cookie', cookie).expect(401);
});

test('a login expires after a week', async () => {
  const { login, get } = await startDashboard();
  const { headers } = await login().expect(204);
  const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 7 * 86_400_000 - 60_000 });
  await get(TASKS).set('cookie', cookie).expect(200);
  vi.setSystemTime(Date.now() + 120_000);
  const { body } = await get(TASKS).set('cookie', cookie).expect(401);
  expect(body.detail).toMatch(/Log in again/);
});

test('a login outlives a restart of the collector', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-dashboard-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const database = `sqlite:${join(folder, 'phospho.db')}`;
  const first = await startDashboard({ database });
  const { headers } = await first.login().expect(204);
  const port = Number(new URL(first.collector.url).port);
  await first.collector.close();
  const second = await startDashboard({ database, port, dashboardToken: undefined as never });
  const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
  await second.get(TASKS).set('cookie', cookie).expect(200);
});

test('an API key is no login, and a login is no API key', async () => {
  const { collector, browser, login, get } = await startDashboard();
  await get(TASKS).set('authorization', `Bearer ${collector.apiKey}`).expect(401);
  await login().expect(204);
  await browser.get('/v2/projects/demo/tasks').expect(401);
});

describe('a write is refused where it comes from', () => {
  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'http://127.0.0.1:1' }],
    ['an opaque origin', { origin: 'null' }],
  ])('%s', async (_name, headers) => {
    const { login, log, post } = await startDashboard();
    await log({ task_id: 't', input: 'x' });
    await login().expect(204);
    await post(`${TASKS}/t/flag`, { flag: 'success' }).set(headers).expect(403);
    await login().set(headers).expect(403);
  });

  test('a form, which needs no permission of CORS', async () => {
    const { browser, login, log } = await startDashboard();
    await log({ task_id: 't', input: 'x' });
    await login().expect(204);
    await browser
      .post(`/dashboard/api${TASKS}/t/flag`)
      .type('form')
      .send('flag=success')
      .expect(415);
  });

  test('but not from the dashboard itself', async () => {
    const { collector, login, log, post } = await startDashboard();
    await log({ task_id: 't', input: 'x' });
    await login().expect(204);
    await post(`${TASKS}/t/flag`, { flag: 'success' })
      .set({ origin: collector.url, 'sec-fetch-site': 'same-origin' })
      .expect(200);
  });
});

test('a foreign Host gets neither page nor API', async () => {
  const { browser } = await startDashboard();
  for (const path of ['/', '/dashboard', '/dashboard/api/session'])
    await browser.get(path).set('host', 'evil.example').expect(403);
});
