import { expect, test } from 'vitest';
import { Run } from '../helpers/cli.ts';
import { newPostgres } from '../helpers/databases.ts';
import { PASSWORD } from '../helpers/postgres.ts';
import { as } from '../integration/collector-helpers.ts';
import { collectorOver } from './helpers/collectors.ts';

const adminToken = 'the-admin-token-of-all-collectors';
const KEYS = '/admin/projects/demo/keys';

async function two() {
  const database = await newPostgres();
  const entered = await Promise.all([
    collectorOver(database, { adminToken }),
    collectorOver(database, { adminToken }),
  ]);
  const [one, other] = entered.map(({ collector }) => collector);
  if (one === undefined || other === undefined) throw new Error('there are two');
  return { database, one, other, admin: [as(one, adminToken), as(other, adminToken)] as const };
}

test('of rotations of one key at once, at two collectors, one makes its successor, and the others name it', async () => {
  const { one, other, admin } = await two();
  const { body: key } = await admin[0].post(KEYS, { name: 'shop' }).expect(200);
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      admin[n % 2 === 0 ? 0 : 1].post(`${KEYS}/${key.id}/rotate`, { grace_ms: 60_000 }),
    ),
  );
  const done = answers.filter(({ status }) => status === 200);
  expect(done).toHaveLength(1);
  const fresh = done[0]?.body;
  for (const { status, body } of answers) {
    if (status === 200) continue;
    expect(status).toBe(409);
    expect(body.detail).toContain(fresh.id);
  }
  const { keys } = (await admin[1].get(KEYS).expect(200)).body;
  expect(keys).toHaveLength(3);
  for (const collector of [one, other])
    for (const { api_key } of [key, fresh])
      await as(collector, api_key).get('/projects/demo').expect(200);
  const { acts } = (await admin[1].get('/admin/projects/demo/audit').expect(200)).body;
  expect(acts.filter(({ act }: { act: string }) => act === 'key.rotate')).toHaveLength(1);
});

test('a revoked key is refused at once by every collector, whoever revoked it', async () => {
  const { database, one, other, admin } = await two();
  const { body: key } = await admin[0].post(KEYS, {}).expect(200);
  for (const collector of [one, other])
    await as(collector, key.api_key).get('/projects/demo').expect(200);
  const run = new Run(['collector', 'keys', 'revoke', key.id], {
    PHOSPHO_COLLECTOR_DATABASE: database,
  });
  expect(await run.done).toBe(0);
  expect(run.out + run.err).not.toContain(PASSWORD);
  for (const collector of [one, other])
    await as(collector, key.api_key).get('/projects/demo').expect(401);
});

test('a revocation and a rotation at once leave a key that works, or none: what was answered', async () => {
  const { one, admin } = await two();
  for (let round = 0; round < 5; round++) {
    const { body: key } = await admin[0].post(KEYS, {}).expect(200);
    const [rotated, revoked] = await Promise.all([
      admin[0].post(`${KEYS}/${key.id}/rotate`, {}),
      admin[1].del(`${KEYS}/${key.id}`),
    ]);
    expect(revoked.status).toBe(200);
    await as(one, key.api_key).get('/projects/demo').expect(401);
    expect([200, 404]).toContain(rotated.status);
    if (rotated.status === 200)
      await as(one, rotated.body.api_key).get('/projects/demo').expect(200);
  }
});
