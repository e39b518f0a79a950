import { sql } from 'kysely';
import { agent } from 'supertest';
import { expect, onTestFinished, test } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { openSqlite } from '../../src/collector/store/sqlite/open-sqlite.ts';
import { emptyFile } from '../helpers/databases.ts';
import { ADMIN_TOKEN, as } from './collector-helpers.ts';

test('an act that cannot be noted is not done', async () => {
  const { database } = await emptyFile();
  const silent = () => undefined;
  const collector = await createCollector({
    ...{ database, port: 0, adminToken: ADMIN_TOKEN, dashboardToken: 'a-login-token-of-the-tests' },
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  onTestFinished(() => collector.close());
  const admin = as(collector, ADMIN_TOKEN);
  const setup = async () => ({
    projects: (await admin.get('/admin/projects').expect(200)).body,
    keys: (await admin.get('/admin/projects/demo/keys').expect(200)).body,
  });
  const before = await setup();
  const [{ id }] = before.keys.keys;
  const db = await openSqlite(database.replace('sqlite:', ''));
  await sql`alter table audit rename to lost`.execute(db);
  await db.destroy();

  await admin.post('/admin/projects/demo/keys', {}).expect(500);
  await admin.post(`/admin/projects/demo/keys/${id}/rotate`, {}).expect(500);
  await admin.del(`/admin/projects/demo/keys/${id}`).expect(500);
  await admin.post('/admin/projects', { id: 'new', key: {} }).expect(500);
  await admin.post('/admin/projects/demo', { project_name: 'new' }).expect(500);
  const login = await agent(collector.app)
    .post('/dashboard/api/session')
    .send({ token: 'a-login-token-of-the-tests' })
    .expect(500);
  expect(login.headers).not.toHaveProperty('set-cookie');
  expect(await setup()).toEqual(before);
  await as(collector, collector.apiKey).get('/projects/demo').expect(200);
});
