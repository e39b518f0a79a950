import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import compression from 'compression';
import express from 'express';
import helmet from 'helmet';
import { agent } from 'supertest';
import { expect, it, onTestFinished } from 'vitest';
import { createCollector } from '../../src/collector/index.ts';
import { task } from '../helpers/dashboard.ts';
import { isReady, rows } from './helpers/dashboard-page.ts';
import { useBrowser } from './helpers/use-browser.ts';
import { openPage } from './helpers/witness.ts';

const browser = useBrowser();

it('the dashboard of a collector in an app logs in by its link, and shows what there is and what comes', async ({
  skip,
}) => {
  const collector = await createCollector({ database: 'sqlite::memory:', embedded: true });
  const app = express();
  app.use(helmet(), compression({ threshold: 0 }), express.json());
  app.use('/tools/phospho', collector.app);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    await collector.close();
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tools/phospho`;
  const log = (...events: unknown[]) =>
    agent(url)
      .post('/v2/log/demo')
      .set('authorization', `Bearer ${collector.apiKey}`)
      .send({ batched_log_events: events })
      .expect(200);
  await log(task('one'));

  const { page } = await openPage(browser(skip));
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(collector.addressesAt(url).dashboardUrl);
  await isReady(page);
  await page.getByRole('link', { name: 'Tasks', exact: true }).click();
  await page.waitForURL(`${url}/dashboard/p/demo/tasks`);
  await page.getByText('question one').waitFor();
  await page.getByText('Live: new tasks').waitFor({ state: 'attached' });
  await log(task('two'));
  await page.getByText('question two').waitFor();
  expect(await rows(page)).toEqual(['question two', 'question one']);
  await page.reload();
  await page.getByText('question two').click();
  await page.getByText('answer two').waitFor();
  expect(asked.filter((at) => !at.startsWith(`${url}/dashboard`))).toEqual([]);
});
