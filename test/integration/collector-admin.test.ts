import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { as, idsOf, now, startCollector } from './collector-helpers.ts';

/** Lets hours pass without waiting: only the clock is faked, so that timers and sockets work. */
function clock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  return (ms) => vi.setSystemTime(Date.now() + ms);
}

const HOUR_MS = 3_600_000;
const KEYS = '/admin/projects/demo/keys';

/** What a test looks at of an act. */
interface Act {
  act: string;
  actor: string;
  subject: string;
  project_id: string | null;
}

describe('projects', () => {
  test('are made, with a first key that works, and listed page by page', async () => {
    const { collector, admin } = await startCollector();
    const made = await admin
      .post('/admin/projects', { id: 'shop', project_name: 'Web shop', key: { name: 'backend' } })
      .expect(200);
    expect(made.body).toMatchObject({
      ...{ id: 'shop', project_name: 'Web shop', settings: {} },
      api_key: expect.stringMatching(/^phk_[\w-]{43}$/),
    });
    const { body } = await as(collector, made.body.api_key).get('/projects/shop').expect(200);
    expect(body.project_name).toBe('Web shop');
    const { body: bare } = await admin.post('/admin/projects', { id: 'bare' }).expect(200);
    expect(bare).toMatchObject({ project_name: 'bare', api_key: null });

    const ids: string[] = [];
    for (let next: string | null = ''; next !== null; ) {
      const query: string = next === '' ? '' : `&after=${next}`;
      const page = await admin.get(`/admin/projects?limit=2${query}`).expect(200);
      ids.push(...idsOf(page.body.projects));
      next = page.body.next;
    }
    expect(ids).toEqual(['bare', 'demo', 'shop']);
  });

  test('of an id that is taken are 409, and leave no key behind', async () => {
    const { admin } = await startCollector();
    const { body } = await admin.post('/admin/projects', { id: 'demo', key: {} }).expect(409);
    expect(body.detail).toBe('There is a project demo already');
    expect((await admin.get(KEYS)).body.keys).toHaveLength(1);
  });

  test('are renamed; what the change leaves out stays', async () => {
    const { admin } = await startCollector();
    const { body } = await admin.post('/admin/projects/demo', { project_name: 'Démo' }).expect(200);
    expect(body).toMatchObject({ id: 'demo', project_name: 'Démo' });
    await admin.post('/admin/projects/demo', {}).expect(200, body);
    await admin.get('/admin/projects/demo').expect(200, body);
    const { body: audit } = await admin.get('/admin/projects/demo/audit');
    expect(audit.acts.filter(({ act }: Act) => act === 'project.change')).toHaveLength(1);
  });

  test.each([
    [{ id: 'a/b' }, ['id'], /must be 1 to 128 letters, digits/],
    [{ id: '..' }, ['id'], /must be .*not "\." or "\.\."/],
    [{}, ['id'], /expected string/],
    [{ id: 'x', project_name: 'a\u0000b' }, ['project_name'], /control characters/],
    [{ id: 'x', project_name: 'x'.repeat(129) }, ['project_name'], /at most 128/],
    [{ id: 'x', settings: { no_such: 1 } }, ['settings', 'no_such'], /no setting of this version/],
    [{ id: 'x', key: { scopes: ['root'] } }, ['key', 'scopes', 0], /one of read, write, admin/],
    [{ id: 'x', key: { scopes: [] } }, ['key', 'scopes'], /at least one of read, write, admin/],
    [{ id: 'x', key: { expires_at: 5 } }, ['key', 'expires_at'], /in the future, in UNIX seconds/],
    [
      { id: 'x', key: { expires_at: Date.now() } },
      ['key', 'expires_at'],
      /in UNIX seconds, before the year 10000/,
    ],
  ])('%j is 422, with field and range', async (body, loc, message) => {
    const { admin } = await startCollector();
    const answer = await admin.post('/admin/projects', body).expect(422);
    expect(answer.body.detail).toEqual([
      expect.objectContaining({ loc: ['body', ...loc], msg: expect.stringMatching(message) }),
    ]);
    expect((await admin.get('/admin/projects')).body.projects).toHaveLength(1);
  });
});

describe('a key', () => {
  test('is answered once, and listed without anything of it but its end', async () => {
    const { collector, admin } = await startCollector();
    const expires_at = now() + 3600;
    const { body: made } = await admin
      .post(KEYS, { name: 'shop', scopes: ['write', 'read'], expires_at })
      .expect(200);
    const { api_key, ...shown } = made;
    expect(shown).toMatchObject({
      ...{ name: 'shop', scopes: ['read', 'write'], expires_at, last_used_at: null },
      ...{ project_id: 'demo', replaced_by: null, of_start: false, last4: api_key.slice(-4) },
      id: expect.stringMatching(/^key_[0-9a-f]{16}$/),
    });
    const { body } = await admin.get(KEYS).expect(200);
    expect(body.keys).toContainEqual(shown);
    expect(body.keys.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(['start', 'shop']),
    );
    expect(JSON.stringify(body)).not.toContain(api_key);
    await as(collector, api_key).get('/projects/demo').expect(200);
  });

  test('may read and write where nothing else is asked for', async () => {
    const { admin } = await startCollector();
    const { body } = await admin.post(KEYS, {}).expect(200);
    expect(body).toMatchObject({ name: '', scopes: ['read', 'write'], expires_at: null });
  });

  test('is refused at once after it was revoked, and its id is 404 from then on', async () => {
    const { collector, admin } = await startCollector();
    const { body } = await admin.post(KEYS, {});
    const http = as(collector, body.api_key);
    await http.get('/projects/demo').expect(200);
    await admin.del(`${KEYS}/${body.id}`).expect(200);
    await http.get('/projects/demo').expect(401);
    expect(idsOf((await admin.get(KEYS)).body.keys)).not.toContain(body.id);
    await admin.del(`${KEYS}/${body.id}`).expect(404);
    await admin.post(`${KEYS}/${body.id}/rotate`, {}).expect(404);
  });

  test('is refused from the second on at which it expires, and cannot be rotated any more', async () => {
    const pass = clock();
    const { collector, admin } = await startCollector();
    const { body } = await admin.post(KEYS, { expires_at: now() + 60 });
    const http = as(collector, body.api_key);
    pass(58_000);
    await http.get('/projects/demo').expect(200);
    pass(2_000);
    await http.get('/projects/demo').expect(401);
    const { body: refused } = await admin.post(`${KEYS}/${body.id}/rotate`, {}).expect(409);
    expect(refused.detail).toMatch(/has expired/);
    expect(idsOf((await admin.get(KEYS)).body.keys)).toContain(body.id);
    pass(31 * 24 * HOUR_MS);
    expect(idsOf((await admin.get(KEYS)).body.keys)).not.toContain(body.id);
  });

  test('that is rotated works on for the grace; the new one has its name, scopes and time to live', async () => {
    const pass = clock();
    const { collector, admin } = await startCollector();
    const { body: old } = await admin.post(KEYS, {
      ...{ name: 'shop', scopes: ['read'], expires_at: now() + 30 * 86_400 },
    });
    pass(HOUR_MS);
    const { body: fresh } = await admin
      .post(`${KEYS}/${old.id}/rotate`, { grace_ms: HOUR_MS })
      .expect(200);
    expect(fresh).toMatchObject({ name: 'shop', scopes: ['read'], replaced_by: null });
    expect(fresh.old).toMatchObject({ id: old.id, replaced_by: fresh.id });
    expect(Math.abs(fresh.expires_at - (now() + 30 * 86_400))).toBeLessThanOrEqual(2);
    const works = (key: string) => as(collector, key).get('/projects/demo');
    await works(old.api_key).expect(200);
    pass(HOUR_MS - 5_000);
    await works(old.api_key).expect(200);
    pass(6_000);
    await works(old.api_key).expect(401);
    await works(fresh.api_key).expect(200);
  });

  test('that is rotated without grace is refused at once; a grace never makes a key live longer', async () => {
    const { collector, admin } = await startCollector();
    const { body: first } = await admin.post(KEYS, {});
    const { body: second } = await admin
      .post(`${KEYS}/${first.id}/rotate`, { grace_ms: 0 })
      .expect(200);
    await as(collector, first.api_key).get('/projects/demo').expect(401);
    await as(collector, second.api_key).get('/projects/demo').expect(200);
    const expires_at = now() + 60;
    const { body: short } = await admin.post(KEYS, { expires_at });
    const { body } = await admin.post(`${KEYS}/${short.id}/rotate`, { expires_at: null });
    expect(body.old.expires_at).toBe(expires_at);
    expect(body.expires_at).toBeNull();
  });

  test('is rotated once: the second time is 409 and names the key that has its place', async () => {
    const { admin } = await startCollector();
    const { body: old } = await admin.post(KEYS, {});
    const answers = await Promise.all(
      [1, 2, 3].map(() => admin.post(`${KEYS}/${old.id}/rotate`, {})),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    const fresh = answers.find(({ status }) => status === 200)?.body.id;
    for (const { status, body } of answers)
      if (status === 409) expect(body.detail).toContain(fresh);
    expect((await admin.get(KEYS)).body.keys).toHaveLength(3);
  });

  test.each([
    [{ grace_ms: -1 }, /0 to 604800000/],
    [{ grace_ms: 604_800_001 }, /0 to 604800000/],
    [{ grace_ms: 1.5 }, /int/],
    [{ grace_ms: '5' }, /number/],
  ])('is not rotated with %j', async (body, message) => {
    const { admin } = await startCollector();
    const { body: key } = await admin.post(KEYS, {});
    const answer = await admin.post(`${KEYS}/${key.id}/rotate`, body).expect(422);
    expect(answer.body.detail[0]).toMatchObject({
      ...{ loc: ['body', 'grace_ms'], msg: expect.stringMatching(message) },
    });
  });

  test('is one of 1000 at most: making and rotating are refused then, save without a grace', {
    timeout: 120_000,
  }, async () => {
    const { admin } = await startCollector();
    const { body: first } = await admin.post(KEYS, {});
    for (let made = 2; made < 1000; made += 50) {
      const some = Array.from({ length: Math.min(50, 1000 - made) }, () => admin.post(KEYS, {}));
      for (const { status } of await Promise.all(some)) expect(status).toBe(200);
    }
    const { body: refused } = await admin.post(KEYS, {}).expect(409);
    expect(refused.detail).toMatch(/may have 1000 keys that work.*Revoke some first$/);
    const rotate = (graceMs: number) =>
      admin.post(`${KEYS}/${first.id}/rotate`, { grace_ms: graceMs });
    const { body } = await rotate(HOUR_MS).expect(409);
    expect(body.detail).toMatch(/those in their grace included.*without a grace: 0$/);
    await rotate(0).expect(200);
    expect((await admin.get(KEYS)).body.keys).toHaveLength(1000);
  });

  test('tells when it was used last, though the request does not wait for it', async () => {
    const { collector, admin } = await startCollector();
    const { body } = await admin.post(KEYS, {});
    const before = now();
    await as(collector, body.api_key).get('/projects/demo').expect(200);
    const used = async () => {
      const { keys } = (await admin.get(KEYS)).body as {
        keys: { id: string; last_used_at: number }[];
      };
      return keys.find(({ id }) => id === body.id)?.last_used_at;
    };
    await vi.waitUntil(async () => (await used()) !== null, { timeout: 10_000, interval: 50 });
    expect(await used()).toBeGreaterThanOrEqual(before);
  });
});

describe('whoever administers', () => {
  test('needs a token or a key, and is not told which of them was wrong', async () => {
    const { collector, admin } = await startCollector();
    const { body: revoked } = await admin.post(KEYS, { scopes: ['admin'] });
    await admin.del(`${KEYS}/${revoked.id}`);
    const details = new Set<string>();
    for (const bearer of ['x'.repeat(28), 'phk_wrong', revoked.api_key, '', '__proto__']) {
      const { body, headers } = await as(collector, bearer).get('/admin/projects').expect(401);
      details.add(body.detail);
      expect(headers['www-authenticate']).toBe('Bearer');
    }
    expect([...details]).toEqual(['Invalid API key or admin token']);
  });

  test('with a key that lacks the scope admin is 403', async () => {
    const { get, post } = await startCollector();
    for (const answer of [get(KEYS), post(KEYS, {}), get('/admin/projects/demo/audit')]) {
      const { body } = await answer.expect(403);
      expect(body.detail).toBe('This API key lacks the scope "admin"; it has "read", "write"');
    }
  });

  test('with a key administers the key’s project, and no other', async () => {
    const { collector, admin } = await startCollector();
    const { body } = await admin.post(KEYS, { scopes: ['admin'] });
    await admin.post('/admin/projects', { id: 'other' });
    const { body: theirs } = await admin.post('/admin/projects/other/keys', {});
    const http = as(collector, body.api_key);
    const { body: key } = await http.post(KEYS, { scopes: ['read', 'write', 'admin'] }).expect(200);
    expect(key.scopes).toEqual(['read', 'write', 'admin']);
    await http.post('/admin/projects/demo', { project_name: 'mine' }).expect(200);
    for (const project of ['other', 'none']) {
      await http.get(`/admin/projects/${project}`).expect(403);
      await http.get(`/admin/projects/${project}/keys`).expect(403);
    }
    for (const answer of [
      http.get('/admin/projects'),
      http.post('/admin/projects', { id: 'more' }),
      http.get('/admin/audit'),
    ])
      expect((await answer.expect(403)).body.detail).toContain('PHOSPHO_COLLECTOR_ADMIN_TOKEN');
    // A key of another project is unknown here, by its id too.
    await http.del(`${KEYS}/${theirs.id}`).expect(404);
    await http.post(`${KEYS}/${theirs.id}/rotate`, {}).expect(404);
    await as(collector, theirs.api_key).get('/projects/other').expect(200);
  });

  test('may take the last key with the scope admin away, its own too', async () => {
    const { collector, admin } = await startCollector();
    const { body } = await admin.post(KEYS, { scopes: ['admin'] });
    const http = as(collector, body.api_key);
    await http.del(`${KEYS}/${body.id}`).expect(200);
    await http.get(KEYS).expect(401);
    await admin.get(KEYS).expect(200);
  });

  test('finds nothing where there is no such project or key', async () => {
    const { admin } = await startCollector();
    for (const path of ['', '/keys', '/audit'])
      await admin.get(`/admin/projects/none${path}`).expect(404);
    await admin.post('/admin/projects/none/keys', {}).expect(404);
    for (const id of ['key_0123456789abcdef', 'key_', '%25', "key_' or 1=1 --"])
      await admin.del(`${KEYS}/${encodeURIComponent(id)}`).expect(404);
  });

  test('has no token where none is configured, and an admin key all the same', async () => {
    const { collector, get } = await startCollector({ adminToken: undefined } as object);
    for (const bearer of ['undefined', '']) await as(collector, bearer).get(KEYS).expect(401);
    await get(KEYS).expect(403);
  });

  test('cannot read or write what apps have logged, by the token', async () => {
    const { admin } = await startCollector();
    await admin.get('/projects/demo').expect(401);
    await admin.post('/log/demo', { batched_log_events: [] }).expect(401);
  });
});

describe('the audit', () => {
  test('has every act, newest first, with who it was and on what', async () => {
    const { collector, admin } = await startCollector();
    const { body: made } = await admin.post(KEYS, { name: 'boss', scopes: ['admin'] });
    const http = as(collector, made.api_key);
    const { body: key } = await http.post(KEYS, { name: 'shop' });
    const { body: fresh } = await http.post(`${KEYS}/${key.id}/rotate`, {});
    await http.del(`${KEYS}/${fresh.id}`);
    await http.post('/admin/projects/demo', { project_name: 'Demo' });
    await admin.post('/admin/projects', { id: 'other' });

    const { body } = await http.get('/admin/projects/demo/audit').expect(200);
    const told = body.acts.map(({ act, actor, subject }: Act) => [act, actor, subject]);
    const boss = `key ${made.id}`;
    const start = expect.stringMatching(/^start \(.+\)$/);
    expect(told).toEqual([
      ['project.change', boss, 'demo'],
      ['key.revoke', boss, fresh.id],
      ['key.rotate', boss, key.id],
      ['key.create', boss, key.id],
      ['key.create', 'admin token', made.id],
      ['key.create', start, expect.stringMatching(/^key_/)],
      ['project.create', start, 'demo'],
    ]);
    expect(body.acts[2].details).toMatchObject({ new_key: fresh.id, grace_ms: 24 * HOUR_MS });
    const { body: all } = await admin.get('/admin/audit').expect(200);
    expect(all.acts[0]).toMatchObject({ act: 'project.create', project_id: 'other' });
    expect(all.acts).toHaveLength(told.length + 1);
  });

  test('is read page by page, and neither refusals nor reading are in it', async () => {
    const { admin, get, post } = await startCollector();
    for (let n = 0; n < 5; n++) await admin.post(KEYS, { name: `key ${n}` }).expect(200);
    await get(KEYS).expect(403);
    await post(KEYS, {}).expect(403);
    await admin.post(KEYS, { scopes: 1 }).expect(422);
    const seen: Act[] = [];
    for (let before = ''; ; ) {
      const page = await admin.get(`/admin/projects/demo/audit?limit=3${before}`).expect(200);
      expect(page.body.acts.length).toBeLessThanOrEqual(3);
      seen.push(...page.body.acts);
      if (page.body.next === null) break;
      before = `&before=${page.body.next}`;
    }
    expect(seen.map(({ act }) => act)).toEqual([
      ...Array.from({ length: 6 }, () => 'key.create'),
      'project.create',
    ]);
  });

  test('is told to a function, once each act is stored', async () => {
    const told: object[] = [];
    const { admin } = await startCollector({ auditLog: (entry) => told.push(entry) });
    const { body } = await admin.post(KEYS, { name: 'x' });
    expect(told.at(-1)).toEqual({
      ...{ audit: 'key.create', project: 'demo', actor: 'admin token', subject: body.id },
      ...{ time: expect.stringMatching(/^\d{4}-.*Z$/), id: expect.any(String) },
      details: { name: 'x', scopes: 'read write', expires_at: null },
    });
    expect(told).toHaveLength(3);
  });
});

test.each([
  ['adminToken', 'apiKey'],
  ['adminToken', 'dashboardToken'],
  ['adminToken', 'metricsToken'],
  ['metricsToken', 'dashboardToken'],
  ['metricsToken', 'apiKey'],
  ['dashboardToken', 'apiKey'],
])('%s and %s are two secrets', async (one, other) => {
  const token = 'one-secret-for-everything';
  await expect(
    createCollector({ database: 'sqlite::memory:', [one]: token, [other]: token }),
  ).rejects.toThrow(`${one} takes a secret of its own; the same as ${other} came`);
});
