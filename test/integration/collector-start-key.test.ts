import { expect, onTestFinished, test, vi } from 'vitest';
import {
  type Collector,
  type CollectorOptions,
  createCollector,
} from '../../src/collector/index.ts';
import { openCollector } from '../../src/collector/open-collector.ts';
import { emptyFile } from '../helpers/databases.ts';
import { ADMIN_TOKEN, as } from './collector-helpers.ts';

const A = 'the-first-key-that-is-given';
const B = 'the-second-key-that-is-given';
const KEYS = '/admin/projects/demo/keys';

/** Collectors that start, one after the other or side by side, over one database. */
async function starts() {
  const database = await emptyFile();
  const warnings: string[] = [];
  const logger = { ...console, warn: (message: string) => warnings.push(message) };
  const start = async (options: CollectorOptions = {}): Promise<Collector> => {
    const collector = await createCollector({
      ...{ ...database, port: 0, adminToken: ADMIN_TOKEN, logger, ...options },
    });
    onTestFinished(() => collector.close());
    return collector;
  };
  const renew = async (): Promise<Collector> => {
    const collector = await openCollector({ ...database, port: 0, adminToken: ADMIN_TOKEN });
    onTestFinished(() => collector.close());
    await collector.settleKey({ renew: true });
    return collector;
  };
  return { start, renew, warnings };
}

const status = async (collector: Collector, key: string | undefined) =>
  (await as(collector, key).get('/projects/demo')).status;
const made = async (collector: Collector, wish: object = {}) =>
  (await as(collector, ADMIN_TOKEN).post(KEYS, wish).expect(200)).body as {
    id: string;
    api_key: string;
  };
const listed = async (collector: Collector) =>
  (await as(collector, ADMIN_TOKEN).get(KEYS).expect(200)).body.keys as {
    id: string;
    name: string;
    of_start: boolean;
    scopes: string[];
  }[];

test('a start makes a key that reads and writes, and a later one keeps it', async () => {
  const { start } = await starts();
  const first = await start();
  const second = await start();
  expect(second.apiKey).toBeUndefined();
  expect(await status(second, first.apiKey)).toBe(200);
  expect(await listed(second)).toMatchObject([
    { name: 'start', of_start: true, scopes: ['read', 'write'] },
  ]);
});

test('a given key takes the place of the one of an earlier start, and of no other', async () => {
  const { start } = await starts();
  const first = await start();
  const shop = await made(first, { name: 'start' });
  const second = await start({ apiKey: A });
  for (const collector of [first, second]) {
    expect(await status(collector, first.apiKey)).toBe(401);
    expect(await status(collector, A)).toBe(200);
    expect(await status(collector, shop.api_key)).toBe(200);
  }
  // Back again, as when a deployment is rolled back.
  await start({ apiKey: B });
  const last = await start({ apiKey: A });
  expect(await status(last, A)).toBe(200);
  expect(await status(last, B)).toBe(401);
  expect(await listed(last)).toHaveLength(2);
});

test('--new-key takes the place of the key of an earlier start, and of no other', async () => {
  const { start, renew } = await starts();
  const first = await start({ apiKey: A });
  const shop = await made(first);
  const second = await renew();
  expect(second.apiKey).toMatch(/^phk_/);
  expect(await status(second, second.apiKey)).toBe(200);
  expect(await status(second, A)).toBe(401);
  expect(await status(second, shop.api_key)).toBe(200);
});

test('a key that was revoked is not brought back by a start that is given it: it says so, and runs', async () => {
  const { start, warnings } = await starts();
  const first = await start({ apiKey: A });
  const [{ id } = { id: '' }] = await listed(first);
  const shop = await made(first);
  await as(first, ADMIN_TOKEN).del(`${KEYS}/${id}`).expect(200);
  const second = await start({ apiKey: A });
  expect(second.apiKey).toBeUndefined();
  expect(await status(second, A)).toBe(401);
  expect(await status(second, shop.api_key)).toBe(200);
  expect(warnings).toEqual([
    expect.stringMatching(new RegExp(`${id}, was revoked at .*Z.*PHOSPHO_COLLECTOR_API_KEY`)),
  ]);
  expect(warnings[0]).not.toContain(A);
});

test('a key of a start that was rotated works for its grace, and another start leaves its successor alone', async () => {
  const { start, warnings } = await starts();
  const first = await start({ apiKey: A });
  const [{ id } = { id: '' }] = await listed(first);
  const { body: fresh } = await as(first, ADMIN_TOKEN).post(`${KEYS}/${id}/rotate`, {});
  const second = await start({ apiKey: A });
  expect(await status(second, A)).toBe(200);
  expect(warnings).toEqual([expect.stringMatching(`${fresh.id} has taken its place`)]);
  const third = await start({ apiKey: B });
  for (const key of [A, B, fresh.api_key]) expect(await status(third, key)).toBe(200);
});

test('a key of a start that was rotated is not brought back once its grace is over', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { start, warnings } = await starts();
  const first = await start({ apiKey: A });
  const [{ id } = { id: '' }] = await listed(first);
  await as(first, ADMIN_TOKEN).post(`${KEYS}/${id}/rotate`, { grace_ms: 60_000 }).expect(200);
  vi.setSystemTime(Date.now() + 61_000);
  const second = await start({ apiKey: A });
  expect(await status(second, A)).toBe(401);
  expect(warnings).toEqual([expect.stringMatching(/expired at .*has taken its place/)]);
});

test('a project whose keys are all revoked is given another by the next start', async () => {
  const { start } = await starts();
  const first = await start();
  for (const { id } of await listed(first))
    await as(first, ADMIN_TOKEN).del(`${KEYS}/${id}`).expect(200);
  const second = await start();
  expect(second.apiKey).toMatch(/^phk_/);
  expect(await status(first, second.apiKey)).toBe(200);
});

test('a key of another project is refused', async () => {
  const { start } = await starts();
  await start({ apiKey: A });
  await expect(start({ apiKey: A, project: 'other' })).rejects.toThrow(
    'apiKey takes a key of project other; the key of project demo came',
  );
});

test('what a start does to keys is in the audit, and a start that does nothing is not', async () => {
  const { start } = await starts();
  await start({ apiKey: A });
  await start({ apiKey: A });
  await start();
  const last = await start({ apiKey: B });
  const { body } = await as(last, ADMIN_TOKEN).get('/admin/audit').expect(200);
  expect(body.acts.map(({ act }: { act: string }) => act)).toEqual([
    ...['key.create', 'key.revoke', 'key.create', 'project.create'],
  ]);
});
