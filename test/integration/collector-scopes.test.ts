import { agent } from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Collector } from '../../src/collector/index.ts';
import { SCOPES, type Scope } from '../../src/collector/model/scopes.ts';
import { OTLP_PATHS } from '../../src/collector/otlp/handler.ts';
import type { Route } from '../../src/collector/routes/route.ts';
import { ROUTES } from '../../src/collector/routes/routes.ts';
import { as, startCollector } from './collector-helpers.ts';

/** Every set of scopes that a key may have. */
const SETS = Array.from({ length: 2 ** SCOPES.length - 1 }, (_, index) =>
  SCOPES.filter((_scope, bit) => ((index + 1) >> bit) & 1),
);

/** What a key must be allowed to do; undefined where no key will do, or none is needed. */
function needed(route: Route): Scope | undefined {
  if (route.access === 'open') return undefined;
  if (route.access !== 'admin') return route.scope;
  return route.path.includes(':project_id') ? 'admin' : undefined;
}

const OTLP = OTLP_PATHS.map(([path]) => ({
  ...{ method: 'POST', path, url: path.replace(':project_id', 'demo') },
  scope: 'write' as Scope | undefined,
}));
const ALL = [
  ...ROUTES.flatMap((route) =>
    (route.roots ?? ['/v2']).map((root) => ({
      ...{ method: route.method, path: root + route.path, scope: needed(route) },
      url: root + route.path.replace(':project_id', 'demo').replace(/:\w+/g, 'none'),
    })),
  ),
  ...OTLP,
];

/** A collector whose project has a key for each set, in each of the tests anew: some of them administer. */
async function withKeys(): Promise<{ collector: Collector; keyOf: Map<string, string> }> {
  const { collector, admin } = await startCollector({ flagWaitMs: 0 });
  const keyOf = new Map<string, string>();
  for (const scopes of SETS) {
    const { body } = await admin.post('/admin/projects/demo/keys', { scopes }).expect(200);
    keyOf.set(scopes.join(), body.api_key);
  }
  return { collector, keyOf };
}

function call(collector: Collector, method: string, url: string, key: string | undefined) {
  const http = agent(collector.app);
  if (key !== undefined) http.set('authorization', `Bearer ${key}`);
  if (method === 'GET') return http.get(url);
  return method === 'DELETE' ? http.delete(url) : http.post(url).type('json').send('{}');
}

test('every route that needs a key says which scope, and there is one of each', () => {
  expect(new Set(ALL.map(({ scope }) => scope))).toEqual(new Set([undefined, ...SCOPES]));
  expect(
    ALL.filter(({ scope }) => scope === undefined).map(({ method, path }) => [method, path]),
  ).toEqual([
    ['GET', '/health'],
    ['GET', '/v2/health'],
    ['GET', '/v2/admin/projects'],
    ['POST', '/v2/admin/projects'],
    ['GET', '/v2/admin/audit'],
    ['GET', '/openapi.json'],
  ]);
});

describe.each(ALL.filter(({ scope }) => scope !== undefined))(
  '$method $path',
  ({ method, url, scope = 'read' }) => {
    test(`takes a key with the scope ${scope}, whatever else it has, and no other`, async () => {
      const { collector, keyOf } = await withKeys();
      for (const scopes of SETS) {
        const { status, text } = await call(collector, method, url, keyOf.get(scopes.join()));
        const had = scopes.map((own) => `"${own}"`).join(', ');
        if (scopes.includes(scope)) {
          expect([200, 400, 404, 422, 501], `${scopes}`).toContain(status);
        } else {
          expect(status, `${scopes}`).toBe(403);
          const said: { detail?: string; message?: string } = JSON.parse(text);
          const detail = `This API key lacks the scope "${scope}"; it has ${had}`;
          expect(said.detail ?? said.message).toBe(detail);
        }
      }
      expect((await call(collector, method, url, undefined)).status).toBe(401);
    });
  },
);

test('a key that may only write is answered the one task that it names, as the contract says, and cannot list', async () => {
  const { collector, keyOf } = await withKeys();
  const write = as(collector, keyOf.get('write'));
  const event = { task_id: 't', input: 'the question', output: 'the answer' };
  await write.post('/log/demo', { batched_log_events: [event] }).expect(200);
  const flagged = await write.post('/tasks/t/flag', { flag: 'success' }).expect(200);
  expect(flagged.body).toMatchObject({ id: 't', input: 'the question', flag: 'success' });
  const changed = await write.post('/tasks/t', { notes: 'seen' }).expect(200);
  expect(changed.body).toMatchObject({ id: 't', notes: 'seen' });
  await write.get('/tasks/t').expect(403);
  await write.post('/projects/demo/tasks', {}).expect(403);
});

test('the dashboard’s API takes no key, of whatever scopes: it has its own login', async () => {
  const { collector, keyOf } = await withKeys();
  for (const key of keyOf.values()) {
    await agent(collector.app)
      .get('/dashboard/api/projects')
      .set('authorization', `Bearer ${key}`)
      .expect(401);
  }
});

test('the OpenAPI document says the scope of each operation', async () => {
  const { collector } = await startCollector();
  const { body } = await agent(collector.app).get('/openapi.json').expect(200);
  for (const { method, path, scope } of ALL) {
    if (scope === undefined) continue;
    const { security } = body.paths[path.replace(/:(\w+)/g, '{$1}')][method.toLowerCase()];
    expect(security, `${method} ${path}`).toContainEqual({ apiKey: [scope] });
  }
});
