import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import compression from 'compression';
import helmet from 'helmet';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunningCollector } from '../../src/collector/collector.ts';
import type { CollectorOptions } from '../../src/collector/index.ts';
import { openCollector } from '../../src/collector/open-collector.ts';
import { Phospho } from '../../src/index.ts';
import { TOKEN } from '../helpers/dashboard.ts';
import { EXPRESS_VERSIONS, type Express, type ExpressModule } from '../helpers/express-versions.ts';

const [[, express4], [, express5]] = EXPRESS_VERSIONS;

/** A host's Express and the collector's: an app may well have another one than the package finds. */
const PAIRS = [
  ['Express 4', express4, express4],
  ['Express 5', express5, express5],
  ['Express 4, and the collector 5', express4, express5],
  ['Express 5, and the collector 4', express5, express4],
] as const;

async function embedded(
  options: CollectorOptions = {},
  express: ExpressModule = express5,
): Promise<RunningCollector> {
  const collector = await openCollector(
    { database: 'sqlite::memory:', embedded: true, dashboardToken: TOKEN, ...options },
    express,
  );
  onTestFinished(() => collector.close());
  await collector.settleKey({ renew: false });
  return collector;
}

async function serving(app: Express): Promise<string> {
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const BATCH = { batched_log_events: [{ task_id: 't', session_id: 's', input: 'Hi' }] };

describe.each(PAIRS)('in an app of %s', (_name, express, own) => {
  test.each(['/', '/phospho', '/deep/down/there'])('at %s it serves all it has', async (path) => {
    const collector = await embedded({}, own);
    const app = express();
    app.use(path, collector.app);
    const base = path === '/' ? '' : path;
    const url = await serving(app);
    const http = agent(url);
    const keyed = agent(url).set('authorization', `Bearer ${collector.apiKey}`);
    await http.get(`${base}/health`).expect(200);
    await keyed.post(`${base}/v2/log/demo`).send(BATCH).expect(200);
    expect((await keyed.get(`${base}/v2/tasks/t`).expect(200)).body.input).toBe('Hi');
    await keyed.get(`${base}/v2/tasks/none`).expect(404);
    await keyed.post(`${base}/v1/traces`).send({}).expect(200, {});
    await http.get(`${base}/metrics`).expect(200);
    const document = await http.get(`${base}/openapi.json`).expect(200);
    expect(document.body.servers).toEqual([{ url: base || '/' }]);
    const home = await http.get(path).set('accept', 'text/html').expect(303);
    expect(home.headers.location).toBe(`${base}/dashboard`);
    const page = await http.get(`${base}/dashboard/p/demo/tasks`).expect(200);
    const script = /<script type="module" src="([^"]+)"/.exec(page.text)?.[1] ?? '';
    expect(script).toMatch(new RegExp(`^${base}/dashboard/assets/`));
    await http.get(script).expect(200);
    const login = await http
      .post(`${base}/dashboard/api/session`)
      .send({ token: TOKEN })
      .expect(204);
    expect(login.headers['set-cookie']?.[0]).toContain(`; Path=${base}/dashboard/;`);
    const session = await http.get(`${base}/dashboard/api/session`).expect(200);
    expect(session.body.base_url).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:\\d+${base}/v2$`));
    await http.get(`${base}/dashboard/api/projects/demo/tasks/t`).expect(200);
  });

  test('behind its parsers and what it wraps answers in, bodies and errors are the same', async () => {
    const collector = await embedded({}, own);
    const app = express();
    app.use(helmet(), compression({ threshold: 0 }));
    app.use(express.json(), express.urlencoded({ extended: true }), express.text());
    app.use('/phospho', collector.app);
    const keyed = agent(app).set('authorization', `Bearer ${collector.apiKey}`);
    await keyed.post('/phospho/v2/log/demo').send(BATCH).expect(200);
    const { body, headers } = await keyed.get('/phospho/v2/tasks/t').expect(200);
    expect(body).toMatchObject({ id: 't', input: 'Hi' });
    expect(headers['content-encoding']).toBe('gzip');
    expect(headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'");
    const wrong = await keyed.post('/phospho/v2/tasks').send({ project_id: 'demo', input: 1 });
    expect([wrong.status, wrong.body.detail[0].msg]).toEqual([422, expect.any(String)]);
    await keyed.post('/phospho/v2/tasks').send('input=x').type('form').expect(415);
    await keyed.get('/phospho/v2/none').expect(404, /No such route/);
    const spans = {
      resourceSpans: [
        { scopeSpans: [{ spans: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }] }] },
      ],
    };
    await keyed.post('/phospho/v1/traces').send(spans).expect(200, {});
    const page = await agent(app).get('/phospho/dashboard').expect(200);
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
  });

  test.each(['text', 'raw'] as const)(
    'behind a parser that takes all for %s too',
    async (parser) => {
      const collector = await embedded({}, own);
      const app = express();
      app.use(express[parser]({ type: () => true }));
      app.use('/phospho', collector.app);
      const keyed = agent(app).set('authorization', `Bearer ${collector.apiKey}`);
      await keyed.post('/phospho/v2/log/demo').send(BATCH).expect(200);
      const { body } = await keyed
        .post('/phospho/v2/log/demo')
        .type('json')
        .send('{"a":')
        .expect(400);
      expect(body.detail).toMatch(/not valid JSON/);
    },
  );

  test('news come at once through compression', async () => {
    const collector = await embedded({}, own);
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.use('/phospho', collector.app);
    const url = await serving(app);
    const login = await fetch(`${url}/phospho/dashboard/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: TOKEN }),
    });
    const cookie = String(login.headers.get('set-cookie')).split(';')[0] ?? '';
    const live = await fetch(`${url}/phospho/dashboard/api/projects/demo/live`, {
      headers: { cookie },
    });
    const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe(': open\n\n');
    await fetch(`${url}/phospho/v2/log/demo`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${collector.apiKey}`,
      },
      body: JSON.stringify(BATCH),
    });
    expect((await reader?.read())?.value).toContain('data: {}');
    await collector.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  test('a Phospho of the same app records its exchanges, and none of the collector’s', async () => {
    const collector = await embedded({}, own);
    const app = express();
    const url = await serving(app);
    const { apiKey = '', projectId } = collector;
    const { baseUrl } = collector.addressesAt(`${url}/phospho`);
    const phospho = new Phospho({ baseUrl, apiKey, projectId });
    app.use(phospho.router());
    // Every path of it would be recorded, the batches too.
    app.use(phospho.middleware({ include: () => true }));
    app.use('/phospho', collector.app);
    app.post('/chat', (_req, res) => {
      res.json({ output: 'Hello!' });
    });
    const answer = await fetch(`${url}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'Hi' }),
    });
    expect(await answer.json()).toEqual({ output: 'Hello!' });
    const taskId = answer.headers.get('x-phospho-task-id') ?? '';
    await phospho.flush();
    const task = await phospho.client.tasks.get(taskId);
    expect(task.content).toMatchObject({ input: 'Hi', output: 'Hello!' });
    const flagged = await fetch(`${url}/phospho/flag`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        task_id: taskId,
        token: answer.headers.get('x-phospho-feedback-token'),
        flag: 'success',
      }),
    });
    expect(flagged.status).toBe(202);
    const read = await fetch(`${baseUrl}/projects/demo`, {
      headers: { authorization: `Bearer ${apiKey}` },
    });
    expect(read.headers.has('x-phospho-task-id')).toBe(false);
    await read.json();
    const { events } = await phospho.shutdown({ timeoutMs: 5000 });
    expect(events).toMatchObject({ captured: 1, delivered: 1 });
    const { body } = await agent(collector.app)
      .post('/v2/projects/demo/tasks')
      .set('authorization', `Bearer ${apiKey}`)
      .send({});
    expect(body.tasks).toHaveLength(1);
    expect(body.tasks[0]).toMatchObject({ id: taskId, flag: 'success' });
  });

  test('its trust proxy says whose address it is and whether the cookie is secure', async () => {
    const collector = await embedded({}, own);
    const app = express();
    app.set('trust proxy', 1);
    app.use('/phospho', collector.app);
    const { headers } = await agent(app)
      .post('/phospho/dashboard/api/session')
      .set({ 'x-forwarded-proto': 'https', host: 'app.example.com' })
      .send({ token: TOKEN })
      .expect(204);
    expect(headers['set-cookie']?.[0]).toMatch(
      /^__Secure-phospho_dashboard_\d+=.*; Path=\/phospho\/dashboard\/;.*; Secure/,
    );
    const root = express();
    root.set('trust proxy', 1);
    root.use((await embedded({}, own)).app);
    const atRoot = await agent(root)
      .get('/health')
      .set({ 'x-forwarded-proto': 'https', host: 'app.example.com' });
    expect(atRoot.headers).not.toHaveProperty('strict-transport-security');
    // Whether the app's name is to be asked over HTTPS only is for the app to say.
    expect(headers).not.toHaveProperty('strict-transport-security');
  });
});

test('an embedded collector goes by any name, one that is mounted as it is by those it knows', async () => {
  const app = express5();
  app.use('/any', (await embedded()).app);
  app.use('/known', (await embedded({ embedded: false, allowedHosts: ['app.example.com'] })).app);
  const asked = (path: string, host: string) => agent(app).get(path).set('host', host);
  await asked('/any/health', 'whatever.example').expect(200);
  await asked('/known/openapi.json', 'app.example.com').expect(200);
  const { body } = await asked('/known/openapi.json', 'whatever.example').expect(403);
  expect(body.detail).toMatch(/allowedHosts.*embedded: true/);
  // A page that has its own name point here reads no metrics.
  await asked('/any/metrics', 'whatever.example').expect(401);
});

test('its address is the app’s, and it does not listen', async () => {
  const collector = await embedded();
  for (const name of ['url', 'baseUrl', 'dashboardUrl'] as const)
    expect(() => collector[name]).toThrow(/collector\.addressesAt\('http/);
  expect(collector.addressesAt('https://app.example.com/phospho/')).toEqual({
    url: 'https://app.example.com/phospho',
    baseUrl: 'https://app.example.com/phospho/v2',
    dashboardUrl: `https://app.example.com/phospho/dashboard#token=${TOKEN}`,
  });
  for (const wrong of ['/phospho', 'app.example.com', 'https://app.example.com/#x', ''])
    expect(() => collector.addressesAt(wrong)).toThrow(/addressesAt takes the URL/);
  await expect(collector.listen()).rejects.toThrow(/Leave out listen\(\)/);
});

test('several in one app have their own data and logins', async () => {
  const app = express5();
  app.use('/a', (await embedded({ project: 'shop' })).app);
  app.use('/b', (await embedded({ project: 'blog' })).app);
  const browser = agent(await serving(app));
  await browser.post('/a/dashboard/api/session').send({ token: TOKEN }).expect(204);
  await browser.get('/b/dashboard/api/session').expect(401);
  await browser.post('/b/dashboard/api/session').send({ token: TOKEN }).expect(204);
  for (const [path, project] of [
    ['/a', 'shop'],
    ['/b', 'blog'],
  ]) {
    const { body } = await browser.get(`${path}/dashboard/api/session`).expect(200);
    expect(body.default_project).toBe(project);
  }
  await browser.delete('/a/dashboard/api/session').expect(204);
  await browser.get('/b/dashboard/api/session').expect(200);
});

test('close() ends what waits and waits for what is under way; what comes later is 503', async () => {
  const collector = await embedded();
  const app = express5();
  app.use('/phospho', collector.app);
  const keyed = agent(app).set('authorization', `Bearer ${collector.apiKey}`);
  const flag = keyed.post('/phospho/v2/tasks/late/flag').send({ flag: 'success' });
  const flagged = flag.then(({ status }) => status);
  const held = () => agent(app).get('/phospho/metrics');
  await vi.waitFor(async () => expect((await held()).text).toContain('held_flags 1'));
  await collector.close();
  expect(await flagged).toBe(503);
  await agent(app).get('/phospho/health').expect(503);
  await agent(app).get('/phospho/dashboard').expect(503);
});
