import { agent } from 'supertest';
import { describe, expect, test } from 'vitest';
import { DASHBOARD_ROUTES } from '../../src/collector/dashboard/api/routes.ts';
import { TOKEN } from '../helpers/dashboard.ts';
import { DOCUMENT } from './checked-answers.ts';
import { ADMIN_TOKEN, startCollector } from './collector-helpers.ts';

/** What every object of the process inherits, as it was. */
const PROTOTYPES = [Object, Array, Function, String, Number, Boolean, Map, Set, Promise, Error].map(
  ({ prototype }) => prototype as object,
);
const inherited = () => PROTOTYPES.map((prototype) => Reflect.ownKeys(prototype).map(String));
const CLEAN = inherited();

function expectClean(where: string): void {
  expect(inherited(), where).toEqual(CLEAN);
  expect(({} as Record<string, unknown>).polluted, where).toBeUndefined();
}

/** Each as the text of one more entry of a JSON object. */
const POLLUTING = [
  '"__proto__":{"polluted":1}',
  '"__proto__":null',
  '"__proto__":[]',
  '"constructor":{"prototype":{"polluted":1}}',
  '"prototype":{"polluted":1}',
  '"toString":"x","valueOf":1,"hasOwnProperty":false,"toJSON":"y"',
  '"__defineGetter__":{},"__lookupSetter__":1',
];

const POLLUTING_QUERIES = [
  '__proto__=1',
  '__proto__[polluted]=1',
  '__proto__.polluted=1',
  'constructor[prototype][polluted]=1',
  'constructor.prototype.polluted=1',
  'toString=1&hasOwnProperty=2&valueOf=3',
  'limit[__proto__][polluted]=1',
];

interface Operation {
  requestBody?: { content: { 'application/json'?: { example?: unknown } } };
}

const OPERATIONS = Object.entries(
  DOCUMENT.paths as unknown as Record<string, Record<string, Operation>>,
).flatMap(([path, operations]) =>
  Object.entries(operations).map(([method, operation]) => ({ path, method, operation })),
);

/** Adds an entry to each object of a JSON text, one at a time, and to all. */
function spoiled(json: string, entry: string): string[] {
  const places = [...json.matchAll(/\{/g)].map(({ index }) => index + 1);
  const put = (text: string, at: number) =>
    text.slice(0, at) + entry + (text[at] === '}' ? '' : ',') + text.slice(at);
  return [...places.map((at) => put(json, at)), places.reduceRight(put, json)];
}

async function started() {
  const collector = await startCollector({ flagWaitMs: 0 });
  const { log, post } = collector;
  await log({ task_id: 'task_1', session_id: 'session_1', input: 'question', output: 'answer' });
  const { body } = await post('/tests', { project_id: 'demo' }).expect(200);
  const own: Record<string, string> = {
    project_id: 'demo',
    task_id: 'task_1',
    session_id: 'session_1',
    test_id: body.id,
    user_id: 'nobody',
    key_id: 'key_0000000000000000',
  };
  const pathOf = (path: string) => path.replace(/\{(\w+)\}/g, (_, name) => own[name] ?? 'none');
  const bearer = (path: string) =>
    `Bearer ${path.startsWith('/v2/admin') ? ADMIN_TOKEN : collector.collector.apiKey}`;
  return { ...collector, pathOf, bearer };
}

describe('keys that are meant for prototypes', () => {
  test('pollute nothing in any body of any route', async () => {
    const { collector, pathOf, bearer } = await started();
    const http = agent(collector.app);
    let taken = 0;
    for (const { path, method, operation } of OPERATIONS) {
      if (operation.requestBody === undefined || method !== 'post') continue;
      const { example = {} } = operation.requestBody.content['application/json'] ?? {};
      const json = JSON.stringify(example);
      for (const body of POLLUTING.flatMap((entry) => spoiled(json, entry))) {
        const answer = await http
          .post(pathOf(path))
          .set('authorization', bearer(path))
          .type('json')
          .send(body);
        expect(answer.status === 501 || answer.status < 500, `${path} ${body}`).toBe(true);
        expectClean(`${path} ${body}`);
        if (answer.status < 300) taken++;
      }
    }
    // Enough of it was right to reach the routes themselves.
    expect(taken).toBeGreaterThan(100);
  });

  test('pollute nothing in any query of any route, the dashboard’s too', async () => {
    const { collector, pathOf, bearer } = await started();
    const { app } = collector;
    await collector.listen();
    const browser = agent(collector.url);
    const token = new URL(collector.dashboardUrl).hash.slice('#token='.length);
    await browser.post('/dashboard/api/session').send({ token }).expect(204);
    const pages = DASHBOARD_ROUTES.filter(({ method }) => method === 'get').map(
      ({ path }) =>
        `/dashboard/api${path.replace(':project', 'demo').replace(':id', path.includes('tasks') ? 'task_1' : 'session_1')}`,
    );
    const own = OPERATIONS.filter(({ method }) => method === 'get').map(({ path }) => path);
    for (const query of POLLUTING_QUERIES) {
      for (const path of own) {
        const url = `${pathOf(path)}?${query}`;
        const { status } = await agent(app).get(url).set('authorization', bearer(path));
        expect(status, url).toBeLessThan(500);
        expectClean(url);
      }
      for (const page of pages) {
        const { status } = await browser.get(`${page}?${query}`);
        expect(status, page).toBeLessThan(500);
        expectClean(page);
      }
    }
    for (const entry of POLLUTING) {
      const body = `{"flag":"success",${entry}}`;
      const flagged = await browser
        .post('/dashboard/api/projects/demo/tasks/task_1/flag')
        .type('json')
        .send(body);
      expect(flagged.status, body).toBeLessThan(500);
      expectClean(body);
    }
  });

  test('are stored and answered as plain data wherever data is taken', async () => {
    const { collector, post, get, pathOf } = await started();
    const hostile = `{"__proto__":{"polluted":2},"constructor":{"prototype":{"polluted":3}},"toString":"text","a":{"__proto__":{"polluted":4}}}`;
    const keyed = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
    const send = (path: string, json: string) =>
      keyed.post(`/v2${path}`).type('json').send(json).expect(200);
    const isKept = (text: string) => {
      expect(text).toContain(hostile);
      expectClean(text);
    };
    await send(
      '/log/demo',
      `{"batched_log_events":[{"task_id":"h","session_id":"hs","input":"x","metadata":${hostile},"raw_input":${hostile},"raw_output":${hostile}}]}`,
    );
    const { text: task } = await get('/tasks/h').expect(200);
    expect(task.split(hostile)).toHaveLength(4);
    isKept((await send('/tasks', `{"project_id":"demo","input":"x","data":${hostile}}`)).text);
    isKept((await send('/tasks/task_1', `{"metadata":${hostile},"data":${hostile}}`)).text);
    isKept((await send('/sessions', `{"project_id":"demo","data":${hostile}}`)).text);
    isKept((await send('/sessions/hs', `{"metadata":${hostile}}`)).text);
    isKept((await send('/tests', `{"project_id":"demo","summary":${hostile}}`)).text);
    isKept((await send(pathOf('/tests/{test_id}'), `{"summary":${hostile}}`)).text);
    await send(
      '/projects/demo/tasks/flat-update',
      `{"flattened_tasks":[{"task_id":"task_1","task_metadata":${hostile}}]}`,
    );
    isKept((await post('/projects/demo/tasks/flat').send({}).expect(200)).text);
    isKept((await get('/projects/demo/tasks').expect(200)).text);
  });

  test('find as filters what has just them, and nothing else', async () => {
    const { collector, log } = await started();
    await log({ task_id: 'plain', input: 'x', metadata: { a: 1 } });
    const keyed = agent(collector.app).set('authorization', `Bearer ${collector.apiKey}`);
    const send = (path: string, json: string) =>
      keyed.post(`/v2${path}`).type('json').send(json).expect(200);
    await send(
      '/log/demo',
      '{"batched_log_events":[{"task_id":"h","input":"x","metadata":{"__proto__":"y","constructor":"z"}}]}',
    );
    for (const filter of ['{"__proto__":"y"}', '{"constructor":"z"}']) {
      const { body } = await send('/projects/demo/tasks', `{"filters":{"metadata":${filter}}}`);
      expect(body.tasks.map(({ id }: { id: string }) => id)).toEqual(['h']);
    }
    const { body } = await send(
      '/projects/demo/tasks',
      '{"filters":{"metadata":{"toString":"[object Object]"}}}',
    );
    expect(body.tasks).toEqual([]);
  });
});

/** Each would mean something else, were it ever part of a statement, a pattern or a path in JSON. */
const INJECTIONS = [
  "' or '1'='1",
  "'; drop table tasks; --",
  '" or ""="',
  '1); delete from tasks where (1=1',
  "\\'; select pg_sleep(5); --",
  '%',
  '_',
  'tas_',
  '$1',
  '?',
  ':id',
  '$.a',
  "a' || 'b",
  '/* x */',
  'task --',
  '"a".b',
  "x' union select hash from api_keys --",
];

describe('texts that are meant for a database', () => {
  test('are ids like any other', async () => {
    const { log, get, post } = await startCollector();
    await log(
      ...INJECTIONS.map((id, i) => ({ task_id: id, session_id: `s ${id}`, input: `${i}` })),
    );
    for (const [i, id] of INJECTIONS.entries()) {
      const at = encodeURIComponent(id);
      expect((await get(`/tasks/${at}`).expect(200)).body).toMatchObject({ id, input: `${i}` });
      await post(`/tasks/${at}/flag`, { flag: 'failure' }).expect(200);
      const session = await get(`/sessions/${encodeURIComponent(`s ${id}`)}/tasks`).expect(200);
      expect(session.body.tasks.map((task: { id: string }) => task.id)).toEqual([id]);
      await get(`/tasks/${at}${at}`).expect(404);
    }
    const all = await post('/projects/demo/tasks', {}).expect(200);
    expect(all.body.tasks).toHaveLength(INJECTIONS.length);
    expect(all.body.tasks.every((task: { flag: string }) => task.flag === 'failure')).toBe(true);
  });

  test('match as filters what is equal to them, and nothing else', async () => {
    const { log, post } = await startCollector();
    await log(
      { task_id: 'other', input: 'x', user_id: 'u', version_id: 'v', metadata: { sentiment: 's' } },
      ...INJECTIONS.map((text) => ({
        ...{ task_id: `t ${text}`, session_id: `s ${text}`, input: 'x' },
        ...{ user_id: text, version_id: text },
        metadata: { sentiment: text, language: text, [text]: text },
      })),
    );
    const found = async (filters: object) => {
      const { body } = await post('/projects/demo/tasks', { filters }).expect(200);
      return body.tasks.map((task: { id: string }) => task.id);
    };
    for (const text of INJECTIONS) {
      for (const filters of [
        { user_id: text },
        { version_id: text },
        { sentiment: text },
        { language: text },
        { metadata: { [text]: text } },
        { tasks_ids: [`t ${text}`] },
        { sessions_ids: [`s ${text}`] },
      ]) {
        expect(await found(filters), JSON.stringify(filters)).toEqual([`t ${text}`]);
      }
      expect(await found({ last_eval_source: text })).toEqual([]);
      expect(await found({ metadata: { [text]: 'none' } })).toEqual([]);
    }
  });

  test('are searched for, filtered by and refused as cursors by the dashboard', async () => {
    const { collector, log } = await startCollector({ dashboardToken: TOKEN });
    await log({ task_id: 'a', session_id: 's', input: 'only words', user_id: 'u' });
    await collector.listen();
    const browser = agent(collector.url);
    await browser.post('/dashboard/api/session').send({ token: TOKEN }).expect(204);
    const list = (query: Record<string, string>) =>
      browser.get('/dashboard/api/projects/demo/tasks').query(query);
    for (const text of INJECTIONS) {
      const searched = await list({ q: text }).expect(200);
      expect(searched.body.tasks.length, text).toBeLessThanOrEqual(1);
      for (const name of ['session', 'user', 'version', 'route', 'model'])
        expect((await list({ [name]: text }).expect(200)).body.tasks, name).toEqual([]);
      for (const name of ['before', 'after']) {
        const { body } = await list({ [name]: text }).expect(422);
        expect(body.detail[0]).toMatchObject({ loc: ['query', name] });
        await list({ [name]: `1790000000.1${text}` }).expect(422);
      }
      const at = encodeURIComponent(text);
      await browser.get(`/dashboard/api/projects/demo/tasks/${at}`).expect(404);
      await browser.get(`/dashboard/api/projects/demo/sessions/${at}`).expect(404);
      await browser.get(`/dashboard/api/projects/${at}/tasks`).expect(404);
    }
    expect((await list({}).expect(200)).body.tasks).toHaveLength(1);
  });
});

describe('ids of another project', () => {
  test('are answered by every route as ids that nobody has, and nothing there changes', async () => {
    const { collector, post, log } = await startCollector({ flagWaitMs: 0 });
    await log({ task_id: 'own', session_id: 'own', input: 'x' });
    const admin = agent(collector.app).set('authorization', `Bearer ${ADMIN_TOKEN}`);
    const made = await admin.post('/v2/admin/projects').send({ id: 'theirs' }).expect(200);
    const { api_key } = (await admin.post('/v2/admin/projects/theirs/keys').send({}).expect(200))
      .body;
    expect(made.body).toBeTruthy();
    const scopes = ['read', 'write', 'admin'];
    const all = await admin.post('/v2/admin/projects/demo/keys').send({ scopes }).expect(200);
    const us = agent(collector.app).set('authorization', `Bearer ${all.body.api_key}`);
    const them = agent(collector.app).set('authorization', `Bearer ${api_key}`);
    const ids = { task_id: 'their-task', session_id: 'their-session' };
    await them
      .post('/v2/log/theirs')
      .send({ batched_log_events: [{ ...ids, input: 'secret-of-theirs', user_id: 'their-user' }] })
      .expect(200);
    const theirTest = await them.post('/v2/tests').send({ project_id: 'theirs' }).expect(200);
    const known: Record<string, string> = {
      ...ids,
      test_id: theirTest.body.id,
      user_id: 'their-user',
    };
    const state = async () =>
      Promise.all([
        them.get('/v2/tasks/their-task').then(({ text }) => text),
        them.get('/v2/sessions/their-session').then(({ text }) => text),
        them.get(`/v2/tests/${known.test_id}`).then(({ text }) => text),
      ]);
    const before = await state();
    let asked = 0;
    for (const { path, method, operation } of OPERATIONS) {
      if (path.startsWith('/v2/admin') || !path.includes('{') || path.includes('{project_id}'))
        continue;
      const { example } = operation.requestBody?.content['application/json'] ?? {};
      const call = (id: (name: string) => string) => {
        const at = path.replace(/\{(\w+)\}/g, (_, name) => id(name));
        const sent = us[method as 'post'](at);
        return example === undefined ? sent : sent.send(example as object);
      };
      const theirs = await call((name) => known[name] ?? 'none');
      const nobodys = await call(() => 'nobody-has-this');
      expect(theirs.status, `${method} ${path}`).toBe(404);
      expect(nobodys.status).toBe(404);
      const withoutIds = (text: string) =>
        Object.values(known).reduce((left, id) => left.replaceAll(id, 'nobody-has-this'), text);
      expect(withoutIds(theirs.text)).toBe(nobodys.text);
      asked++;
    }
    expect(asked).toBeGreaterThan(8);
    // Where the project itself is in the path or body, it is refused.
    for (const { path, method } of OPERATIONS) {
      if (path.startsWith('/v2/admin') || !path.includes('{project_id}')) continue;
      const at = path.replace('{project_id}', 'theirs').replace(/\{\w+\}/g, 'their-user');
      const { status, text } = await us[method as 'post'](at);
      expect(status, `${method} ${path}`).toBe(403);
      expect(text).not.toContain('secret-of-theirs');
    }
    const filters = { tasks_ids: ['their-task'], sessions_ids: ['their-session'] };
    for (const listing of ['tasks', 'sessions']) {
      const { body } = await post(`/projects/demo/${listing}`, { filters }).expect(200);
      expect(body[listing]).toEqual([]);
    }
    await post('/projects/demo/tasks/flat-update', {
      flattened_tasks: [{ task_id: 'their-task', task_eval: 'failure' }],
    }).expect(404);
    expect(await state()).toEqual(before);
  });
});
