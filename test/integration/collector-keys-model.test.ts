import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { agent } from 'supertest';
import { expect, test, vi } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { SCOPES, type Scope } from '../../src/collector/model/scopes.ts';
import { ADMIN_TOKEN, as } from './collector-helpers.ts';

const HOUR_S = 3600;

/** A key as it must behave: what is known of each from the answers alone. */
interface Known {
  id: string;
  plain: string;
  project: string;
  scopes: Scope[];
  /** UNIX seconds. */
  ends: number;
  isRotated: boolean;
  isRevoked: boolean;
}

const project = fc.constantFrom('demo', 'other');
const which = fc.nat({ max: 1000 });
const steps = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    project,
    scopes: fc.subarray([...SCOPES], { minLength: 1 }),
    hours: fc.option(fc.integer({ min: 1, max: 10 })),
    name: fc.string({ maxLength: 20 }),
  }),
  fc.record({ do: fc.constant('rotate' as const), which, project, graceHours: fc.nat({ max: 5 }) }),
  fc.record({ do: fc.constant('revoke' as const), which, project }),
  fc.record({ do: fc.constant('wait' as const), hours: fc.integer({ min: 1, max: 6 }) }),
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

/** Two projects in a file, and all that is ever said of them. */
async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'phospho-keys-'));
  const said: string[] = [];
  const say = (message: unknown) => {
    said.push(typeof message === 'string' ? message : JSON.stringify(message));
  };
  const collector = await createCollector({
    ...{ database: `sqlite:${join(folder, 'phospho.db')}`, port: 0, adminToken: ADMIN_TOKEN },
    ...{ auditLog: say, requestLog: say },
    logger: { debug: say, info: say, warn: say, error: say },
  });
  const admin = as(collector, ADMIN_TOKEN);
  await admin.post('/admin/projects', { id: 'other' }).expect(200);
  return {
    collector,
    admin,
    said,
    bytes: () => readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1')),
    end: async () => {
      await collector.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const now = () => Math.floor(Date.now() / 1000);
const works = (key: Known) => !key.isRevoked && key.ends > now();

async function take(step: Step, keys: Known[], admin: ReturnType<typeof as>): Promise<void> {
  if (step.do === 'wait') {
    vi.setSystemTime(Date.now() + step.hours * HOUR_S * 1000);
    return;
  }
  const path = `/admin/projects/${step.project}/keys`;
  if (step.do === 'create') {
    const { scopes, hours, name } = step;
    const expires_at = hours === null ? null : now() + hours * HOUR_S;
    const isFine = !/[\p{Cc}\p{Surrogate}]/u.test(name);
    const { status, body } = await admin.post(path, { name, scopes, expires_at });
    expect(status).toBe(isFine ? 200 : 422);
    if (!isFine) return;
    const ends = expires_at ?? Number.POSITIVE_INFINITY;
    keys.push({
      ...{ id: body.id, plain: body.api_key, project: step.project, scopes: body.scopes, ends },
      ...{ isRotated: false, isRevoked: false },
    });
    return;
  }
  const key = keys[step.which % keys.length];
  if (key === undefined) return;
  const isThere = key.project === step.project && !key.isRevoked;
  if (step.do === 'revoke') {
    expect((await admin.del(`${path}/${key.id}`)).status).toBe(isThere ? 200 : 404);
    if (isThere) key.isRevoked = true;
    return;
  }
  const grace_ms = step.graceHours * HOUR_S * 1000;
  const { status, body } = await admin.post(`${path}/${key.id}/rotate`, { grace_ms });
  const can = !key.isRotated && key.ends > now();
  expect(status).toBe(isThere ? (can ? 200 : 409) : 404);
  if (status !== 200) return;
  key.isRotated = true;
  if (grace_ms === 0) key.isRevoked = true;
  else key.ends = Math.min(key.ends, Math.ceil((Date.now() + grace_ms) / 1000));
  expect(body.scopes).toEqual(key.scopes);
  keys.push({
    ...{ id: body.id, plain: body.api_key, project: key.project, scopes: key.scopes },
    ends: body.expires_at ?? Number.POSITIVE_INFINITY,
    ...{ isRotated: false, isRevoked: false },
  });
}

test('whatever is done to keys, each works exactly as long as was answered, and none is ever found anywhere', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 15 }), async (all) => {
      // Whole seconds, so that none ends between a look at the clock and the request.
      vi.useFakeTimers({ toFake: ['Date'], now: Math.ceil(Date.now() / 1000) * 1000 });
      const { collector, admin, said, bytes, end } = await start();
      const keys: Known[] = [];
      try {
        for (const step of all) {
          await take(step, keys, admin);
          for (const key of keys) {
            const { status } = await as(collector, key.plain).get(`/projects/${key.project}`);
            const expected = key.scopes.includes('read') ? 200 : 403;
            expect([key.id, status]).toEqual([key.id, works(key) ? expected : 401]);
          }
        }
        const shown: string[] = [];
        for (const path of ['projects/demo/keys', 'projects/other/keys', 'projects', 'audit'])
          shown.push((await admin.get(`/admin/${path}`).expect(200)).text);
        shown.push((await agent(collector.app).get('/metrics')).text);
        const ids = (text = '') => [...text.matchAll(/"id":"(key_\w+)"/g)].map(([, id]) => id);
        const listed = [...ids(shown[0]), ...ids(shown[1])].sort();
        const here = keys.filter(({ isRevoked }) => !isRevoked).map(({ id }) => id);
        expect(listed.filter((id) => keys.some((key) => key.id === id))).toEqual(here.sort());
        for (const text of [...shown, ...said, ...bytes()])
          for (const { plain } of [
            ...keys,
            { plain: collector.apiKey ?? '' },
            { plain: ADMIN_TOKEN },
          ])
            if (text.includes(plain)) throw new Error(`a key is in ${text.slice(0, 200)}`);
      } finally {
        vi.useRealTimers();
        await end();
      }
    }),
    { numRuns: 40 },
  );
});
