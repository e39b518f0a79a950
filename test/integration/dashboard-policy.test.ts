import { describe, expect, test } from 'vitest';
import { startDashboard } from '../helpers/dashboard.ts';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify 'allow-duplicates'",
];

const FOREVER = 'public, max-age=31536000, immutable';

describe('what browsers are told to refuse', () => {
  test.for([
    ['the page', '/dashboard', 200],
    ['a page of a project', '/dashboard/p/demo/tasks', 200],
    ['a file of the page', '/dashboard/assets/icon/favicon.svg', 200],
    ['a file that is not there', '/dashboard/assets/x/none.js', 404],
    ['the API', '/dashboard/api/session', 200],
    ['a route that the API does not have', '/dashboard/api/none', 404],
  ] as const)('comes with %s', async ([, path, status]) => {
    const { browser, login } = await startDashboard();
    await login();
    const { headers } = await browser.get(path).expect(status);
    expect(headers['content-security-policy']?.split(';')).toEqual(POLICY);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers).not.toHaveProperty('strict-transport-security');
  });

  test('comes with a refusal to who is not logged in, and with the refusal of a login', async () => {
    const { get, login } = await startDashboard();
    for (const answer of [await get('/session').expect(401), await login('no').expect(401)]) {
      expect(answer.headers['content-security-policy']?.split(';')).toEqual(POLICY);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
  });
});

describe('what is kept', () => {
  test('of the page and of the API: nothing', async () => {
    const { browser, login, log } = await startDashboard();
    await log({ task_id: 't', session_id: 's', input: 'question', output: 'answer' });
    await login();
    const below = '/dashboard/api/projects/demo';
    for (const path of [
      '/dashboard',
      '/dashboard/api/session',
      ...['tasks', 'tasks/t', 'sessions', 'sessions/s', 'choices'].map((at) => `${below}/${at}`),
      `${below}/overview?starts=0&to=3600`,
    ]) {
      const { headers } = await browser.get(path).expect(200);
      expect(headers['cache-control'], path).toBe('no-store');
    }
  });

  test('of the files that a page names: all, as their names change with them', async () => {
    const { browser } = await startDashboard();
    const { text } = await browser.get('/dashboard').expect(200);
    const files = [...text.matchAll(/(?:href|src)="(\/dashboard\/assets\/[^"]+app\.\w+)"/g)];
    expect(files).toHaveLength(2);
    for (const [, path = ''] of files) {
      const { headers } = await browser.get(path).expect(200);
      expect(headers['cache-control'], path).toBe(FOREVER);
      expect(headers['content-security-policy']?.split(';')).toEqual(POLICY);
      const old = await browser.get(path.replace(/assets\/[^/]+/, 'assets/old')).expect(200);
      expect(old.headers['cache-control'], path).toBe('no-store');
    }
  });
});
