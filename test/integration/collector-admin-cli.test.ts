import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Run } from '../helpers/cli.ts';

const KEY = /^phk_[\w-]{43}\n$/;

/** The command over a database of its own. */
function commands() {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-admin-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const environment = { PHOSPHO_COLLECTOR_DATABASE: `sqlite:${join(folder, 'phospho.db')}` };
  const start = (...args: string[]) => new Run(['collector', ...args], environment);
  const run = async (...args: string[]) => {
    const run = start(...args);
    return { code: await run.done, out: run.out, err: run.err };
  };
  const json = async (...args: string[]) => {
    const { code, out, err } = await run(...args, '--json');
    expect(err).toBe('');
    expect(code).toBe(0);
    return JSON.parse(out);
  };
  const bytes = () =>
    readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), 'latin1'))
      .join();
  return { start, run, json, bytes };
}

const statusWith = async (base: string, key: string, path = '/projects/demo') =>
  (await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${key}` } })).status;

test('logout ends the logins of a running collector, and is noted', async () => {
  const { start, run, json } = commands();
  const token = 'a-login-token-of-the-tests';
  const collector = await start('--port', '0', '--dashboard-token', token).ready();
  const api = collector.exported('PHOSPHO_BASE_URL').replace(/v2$/, 'dashboard/api');
  const login = () =>
    fetch(`${api}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    });
  const cookie = (await login()).headers.get('set-cookie')?.split(';')[0] ?? '';
  expect((await login()).status).toBe(204);
  const seen = async () =>
    (await fetch(`${api}/projects/demo/choices`, { headers: { cookie } })).status;
  expect(await seen()).toBe(200);
  expect(await run('logout')).toMatchObject({
    ...{ code: 0, err: '', out: expect.stringMatching(/^Ended 2 login\(s\)\. .*restart/) },
  });
  expect(await seen()).toBe(401);
  expect(await json('logout')).toEqual({ logins: 0 });
  const [{ act, actor }] = await json('audit', '--limit', '1');
  expect([act, actor]).toEqual(['dashboard.logout', `command line (${userInfo().username})`]);
});

test('a running collector takes a key that is made beside it, and refuses it once it is revoked', async () => {
  const { start, run, json, bytes } = commands();
  const collector = await start('--port', '0').ready();
  const base = collector.exported('PHOSPHO_BASE_URL');
  const made = await run('keys', 'create', '--name', 'web shop', '--scopes', 'read');
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(KEY) });
  expect(made.err).toMatch(
    /^key_\w+ \(web shop\) of project demo, scopes read\. .*not shown again:$/m,
  );
  const key = made.out.trim();
  expect(made.err).not.toContain(key);
  expect(await statusWith(base, key)).toBe(200);

  const keys = await json('keys', 'list');
  const named = (name: string) => keys.find((one: { name: string }) => one.name === name);
  expect(keys).toHaveLength(2);
  expect(named('start')).toMatchObject({ of_start: true, scopes: ['read', 'write'] });
  const { id } = named('web shop');
  const rotated = await run('keys', 'rotate', id, '--grace', '60000', '--quiet');
  expect(rotated).toMatchObject({ code: 0, out: expect.stringMatching(KEY), err: '' });
  const fresh = rotated.out.trim();
  for (const one of [key, fresh]) expect(await statusWith(base, one)).toBe(200);

  const revoked = await run('keys', 'revoke', id);
  expect(revoked).toMatchObject({ code: 0, out: `Revoked ${id} (web shop) of project demo.\n` });
  expect(await statusWith(base, key)).toBe(401);
  expect(await statusWith(base, fresh)).toBe(200);

  const listed = await run('keys', 'list');
  const { out: audit } = await run('audit');
  for (const secret of [key, fresh, collector.exported('PHOSPHO_API_KEY')]) {
    expect(secret).toMatch(/^phk_/);
    for (const text of [bytes(), listed.out, audit, collector.err])
      expect(text).not.toContain(secret);
  }
  expect(listed.out).toMatch(/^ID +NAME +SCOPES +ENDS IN +CREATED +EXPIRES +LAST USED$/m);
  expect(listed.out).toContain(`…${fresh.slice(-4)}`);
  expect(audit).toMatch(new RegExp(`key\\.revoke +${id}`));
  expect(audit).toContain(`command line (${userInfo().username})`);
});

test('projects are made, listed, renamed and shown, in a file that is made with the first one', async () => {
  const { run, json } = commands();
  const made = await run('projects', 'create', 'shop', '--name', 'Web shop', '--with-key');
  expect(made).toMatchObject({ code: 0, out: expect.stringMatching(KEY) });
  expect(await json('projects', 'create', 'bare')).toMatchObject({ id: 'bare', settings: {} });
  expect(await json('projects', 'set', 'shop', '--name', 'Shop')).toMatchObject({
    ...{ id: 'shop', project_name: 'Shop' },
  });
  expect(await json('projects', 'list')).toMatchObject([
    { id: 'bare', project_name: 'bare' },
    { id: 'shop', project_name: 'Shop' },
  ]);
  expect((await run('projects', 'show', 'shop')).out).toMatch(
    /^project +shop\nname +Shop\ncreated /,
  );
  expect((await run('projects', 'list')).out).toMatch(/^ID +NAME +CREATED +SETTINGS\nbare +bare /);
  const acts = await json('audit', '--project', 'shop');
  expect(acts.map(({ act }: { act: string }) => act)).toEqual([
    ...['project.change', 'key.create', 'project.create'],
  ]);
  const page = await run('audit', '--limit', '1');
  expect(page.err).toMatch(/--before [0-9a-f-]{36}/);
});

test('a key that a start makes or is given replaces none that was made here', async () => {
  const { start, run } = commands();
  const first = await start('--port', '0').ready();
  const { out } = await run('keys', 'create', '--quiet');
  first.child.kill('SIGTERM');
  await first.done;
  const second = await start('--port', '0', '--new-key').ready();
  const base = second.exported('PHOSPHO_BASE_URL');
  expect(await statusWith(base, out.trim())).toBe(200);
  expect(await statusWith(base, second.exported('PHOSPHO_API_KEY'))).toBe(200);
  expect(await statusWith(base, first.exported('PHOSPHO_API_KEY'))).toBe(401);
});

test('the admin token comes from the environment, and is not printed', async () => {
  const token = 'an-admin-token-of-the-tests';
  const run = await new Run(['collector', '--port', '0', '--log-audit'], {
    PHOSPHO_COLLECTOR_DATABASE: 'sqlite::memory:',
    PHOSPHO_COLLECTOR_ADMIN_TOKEN: token,
  }).ready();
  const base = run.exported('PHOSPHO_BASE_URL');
  expect(await statusWith(base, token, '/admin/projects')).toBe(200);
  expect(await statusWith(base, run.exported('PHOSPHO_API_KEY'), '/admin/projects')).toBe(403);
  const made = await fetch(`${base}/admin/projects/demo/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'x' }),
  });
  const { id, api_key } = (await made.json()) as { id: string; api_key: string };
  const line = run.out.split('\n').find((one) => one.includes(id)) ?? '';
  expect(JSON.parse(line)).toMatchObject({
    ...{ audit: 'key.create', project: 'demo', actor: 'admin token', subject: id },
  });
  for (const secret of [token, api_key]) expect(run.out + run.err).not.toContain(secret);
});

describe('says what came and what is accepted, and ends with', () => {
  test.each<[number, string[], RegExp]>([
    [2, ['keys', 'create', '--scopes', 'root'], /--scopes takes .*read, write, admin.*"root" came/],
    [2, ['keys', 'create', '--scopes', ''], /--scopes takes .*"" came/],
    [
      2,
      ['keys', 'create', '--expires', '2020-01-01'],
      /--expires takes a time to come.*"2020-01-01"/,
    ],
    [2, ['keys', 'create', '--expires', '2099-02-31'], /--expires takes/],
    [2, ['keys', 'create', '--expires', '90'], /--expires takes.*90d.*"90" came/],
    [2, ['keys', 'create', '--name', 'a\tb'], /--name takes at most 128 characters/],
    [
      2,
      ['keys', 'rotate', 'key_1', '--grace', '604800001'],
      /--grace takes .*0 to 604800000.*came/,
    ],
    [2, ['keys', 'rotate', 'key_1', '--grace', '1d'], /--grace takes an integer/],
    [2, ['keys', 'rotate'], /missing required argument 'key id'/],
    [2, ['projects', 'create', 'a/b'], /the id of a project takes 1 to 128 letters.*"a\/b" came/],
    [2, ['projects', 'set', 'demo'], /takes --name, or settings as name=value/],
    [2, ['projects', 'set', 'demo', 'nonsense'], /a setting takes name=value; "nonsense" came/],
    [2, ['projects', 'set', 'demo', 'no_such=1'], /no_such is refused: no setting of this version/],
    [
      2,
      ['projects', 'set', 'demo', 'retention_days=-1'],
      /retention_days is refused: must be an integer from 0 to 36500; -1 came/,
    ],
    [2, ['audit', '--limit', '0'], /--limit takes an integer from 1 to 10000; "0" came/],
    [2, ['keys', 'list', '--project', 'a/b'], /project takes/],
    [2, ['keys', 'list', '--port', '1'], /unknown option '--port'/],
    [2, ['keys', 'list', '--database', 'sqlite:/no/such/file.db'], /there is no database at/],
    [2, ['keys', 'list', '--project', 'none'], /has no project none\. Name one .*--project <id>/],
    [2, ['keys', 'create', '--project', 'none'], /has no project none/],
    [2, ['audit', '--project', 'none'], /has no project none/],
    [1, ['keys', 'revoke', 'key_0123456789abcdef'], /Key key_0123456789abcdef not found/],
    [1, ['projects', 'show', 'none'], /Project none not found/],
    [1, ['projects', 'create', 'demo'], /There is a project demo already/],
  ])('%d: %j', async (code, args, message) => {
    const { run } = commands();
    expect((await run('projects', 'create', 'demo')).code).toBe(0);
    const ended = await run(...args);
    expect(ended).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
    expect(ended.err).not.toMatch(/^\s+at /m);
  });
});
