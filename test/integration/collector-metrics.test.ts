import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { agent } from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import type { RequestLogEntry } from '../../src/collector/index.ts';
import { Run } from '../helpers/cli.ts';
import { parsePrometheusText } from '../helpers/prometheus-text.ts';
import { startCollector } from './collector-helpers.ts';

type Started = Awaited<ReturnType<typeof startCollector>>;

async function scrape({ collector }: Started) {
  const { text } = await agent(collector.app)
    .get('/metrics')
    .expect(200)
    .expect('content-type', 'text/plain; version=0.0.4; charset=utf-8');
  const families = parsePrometheusText(text);
  return {
    text,
    families,
    value: (family: string, sample = family) =>
      families.get(`phospho_collector_${family}`)?.samples.get(`phospho_collector_${sample}`),
  };
}

describe('GET /metrics', () => {
  test('counts requests by route and status, with their durations', async () => {
    const started = await startCollector();
    await started.log({ task_id: 't', session_id: 's', input: 'x' });
    await started.get('/tasks/t').expect(200);
    await started.get('/tasks/secret-of-a-customer/').expect(404);
    await agent(started.collector.app).get('/wp-login.php').expect(404);
    const { text, value } = await scrape(started);
    const route = 'method="GET",route="/v2/tasks/:task_id"';
    expect(value('requests_total', `requests_total{${route},status="200"}`)).toBe(1);
    expect(value('requests_total', `requests_total{${route},status="404"}`)).toBe(1);
    expect(value('requests_total', 'requests_total{method="GET",route="none",status="404"}')).toBe(
      1,
    );
    const durations = 'request_duration_seconds';
    expect(value(durations, `${durations}_count{${route}}`)).toBe(2);
    expect(value(durations, `${durations}_bucket{${route},le="+Inf"}`)).toBe(2);
    expect(value(durations, `${durations}_sum{${route}}`)).toBeGreaterThan(0);
    expect(text).not.toMatch(/secret-of-a-customer|wp-login/);
  });

  test('counts events stored, known already and not valid, however they came', async () => {
    const started = await startCollector();
    const empty = await scrape(started);
    expect(empty.value('events_total', 'events_total{result="stored"}')).toBe(0);
    await started.log({ task_id: 'a', input: 'x' }, { task_id: 'a', input: 'x' }, { input: 1 });
    await started.log({ task_id: 'a', input: 'x' }, { task_id: 'b', input: 'x' });
    await started.post('/tasks', { project_id: 'demo', task_id: 'b', input: 'x' }).expect(200);
    await started.post('/tasks', { project_id: 'demo', task_id: 'c', input: 'x' }).expect(200);
    await started.post('/tasks', { project_id: 'demo', input: 1 }).expect(422);
    const { value } = await scrape(started);
    expect(
      ['stored', 'duplicate', 'invalid'].map((result) =>
        value('events_total', `events_total{result="${result}"}`),
      ),
    ).toEqual([3, 3, 2]);
  });

  test('tells of flags that wait, of the database and of the process', async () => {
    const started = await startCollector();
    const { collector, post } = started;
    await started.log({ task_id: 'there', input: 'x' });
    const flagged = post('/tasks/late/flag', { flag: 'success' }).then((answer) => answer.status);
    await vi.waitFor(async () => expect((await scrape(started)).value('held_flags')).toBe(1));
    await started.log({ task_id: 'late', input: 'x' });
    expect(await flagged).toBe(200);
    const { families, value } = await scrape(started);
    expect(value('held_flags')).toBe(0);
    expect(value('live_streams')).toBe(0);
    const database = 'database_duration_seconds';
    expect(value(database, `${database}_count{operation="tasks.add"}`)).toBe(2);
    expect(value('database_failures_total', 'database_failures_total{operation="tasks.add"}')).toBe(
      0,
    );
    const memory = families.get('process_resident_memory_bytes')?.samples;
    expect(memory?.get('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(collector.projectId).toBe('demo');
  });

  test('is for this machine alone, and not for what a proxy on it passes on', async () => {
    const { collector } = await startCollector();
    for (const header of ['x-forwarded-for', 'forwarded', 'via', 'x-real-ip']) {
      const { body } = await agent(collector.app)
        .get('/metrics')
        .set(header, '203.0.113.9')
        .set('authorization', `Bearer ${collector.apiKey}`)
        .expect(401);
      expect(body.detail).toContain('PHOSPHO_COLLECTOR_METRICS_TOKEN');
    }
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

  test.skipIf(outside === undefined)('is not for another address of this machine', async () => {
    const { collector } = await startCollector({
      ...{ host: '0.0.0.0', behindProxy: true, allowedHosts: [outside!] },
    });
    await collector.listen();
    const url = new URL('/metrics', collector.url);
    url.hostname = outside!;
    expect((await fetch(url)).status).toBe(401);
  });

  test('with a token is for its holders alone', async () => {
    const metricsToken = 'a-token-for-prometheus';
    const { collector } = await startCollector({ metricsToken });
    const ask = (authorization: string) =>
      agent(collector.app).get('/metrics').set('authorization', authorization);
    await agent(collector.app).get('/metrics').expect(401);
    await ask(`Bearer ${collector.apiKey}`).expect(401);
    await ask(`Bearer ${metricsToken}x`).expect(401);
    await ask(`Bearer ${metricsToken}`).set('x-forwarded-for', '203.0.113.9').expect(200);
  });
});

describe('an X-Request-Id', () => {
  test.each([
    ['a-trace.1:2', true],
    ['x'.repeat(128), true],
    ['x'.repeat(129), false],
    ['{"json":1}', false],
    ['two words', false],
  ])('%j is echoed: %j', async (id, isEchoed) => {
    const { collector } = await startCollector();
    const { headers } = await agent(collector.app).get('/health').set('x-request-id', id);
    if (isEchoed) expect(headers['x-request-id']).toBe(id);
    else expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('requestLog', () => {
  test('tells of each request when it is over, without its texts, ids, keys or query', async () => {
    const entries: RequestLogEntry[] = [];
    const started = await startCollector({ requestLog: (entry) => void entries.push(entry) });
    const { collector, get, log } = started;
    await log({ task_id: 'task-of-a-customer', input: 'a secret question' });
    const { headers } = await get('/tasks/task-of-a-customer?q=a-secret-query').expect(200);
    await agent(collector.app).get('/v2/tasks/x').set('authorization', 'Bearer wrong').expect(401);
    await agent(collector.app).get('/a-secret-path').expect(404);
    await vi.waitFor(() => expect(entries).toHaveLength(4));
    const [logged, read, refused, unknown] = entries;
    expect(logged).toEqual({
      ...{ time: expect.stringMatching(/^\d{4}-.*Z$/), request_id: expect.any(String) },
      ...{ method: 'POST', route: '/v2/log/:project_id', status: 200, project: 'demo' },
      ...{ duration_ms: expect.any(Number), bytes: expect.any(Number) },
      request_bytes: expect.any(Number),
    });
    expect(read).toMatchObject({
      route: '/v2/tasks/:task_id',
      request_id: headers['x-request-id'],
    });
    expect(read!.bytes).toBe(Number(headers['content-length']));
    expect(refused).toMatchObject({ status: 401, project: null, route: '/v2/tasks/:task_id' });
    expect(unknown).toMatchObject({ status: 404, route: null });
    const all = JSON.stringify(entries);
    expect(all).not.toMatch(/secret|customer|Bearer/);
    expect(all).not.toContain(collector.apiKey);
  });

  test('tells of a client who left before the answer as 499', async () => {
    const entries: RequestLogEntry[] = [];
    const { collector } = await startCollector({
      requestLog: (entry) => void entries.push(entry),
    });
    await collector.listen();
    const leaving = new AbortController();
    const answer = fetch(`${collector.baseUrl}/tasks/never/flag`, {
      method: 'POST',
      headers: { authorization: `Bearer ${collector.apiKey}`, 'content-type': 'application/json' },
      body: '{"flag":"success"}',
      signal: leaving.signal,
    });
    await vi.waitFor(async () => {
      const text = await (await fetch(`${collector.url}/metrics`)).text();
      expect(text).toContain('phospho_collector_held_flags 1');
    });
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await vi.waitFor(() =>
      expect(entries).toContainEqual(
        expect.objectContaining({ status: 499, route: '/v2/tasks/:task_id/flag', bytes: 0 }),
      ),
    );
  });

  test('a function that throws or rejects changes nothing, and is complained of once', async () => {
    const said: string[] = [];
    const note = (message: string) => void said.push(message);
    const logger = { debug: note, info: note, warn: note, error: note };
    const { get } = await startCollector({
      logger,
      requestLog: (() => Promise.reject(new Error('full disk'))) as never,
    });
    await get('/health').expect(200);
    await get('/health').expect(200);
    await vi.waitFor(() => expect(said).toHaveLength(1));
    expect(said[0]).toMatch(/requestLog failed: .*full disk/);
  });
});

test('--log-requests writes lines of JSON, and the judge and metrics have options too', async () => {
  const run = await new Run(
    [
      ...['collector', '--port', '0', '--database', 'sqlite::memory:', '--log-requests'],
      ...['--judge-base-url', 'http://127.0.0.1:9/v1', '--judge-model', 'm'],
    ],
    { PHOSPHO_COLLECTOR_METRICS_TOKEN: 'a-token-for-prometheus' },
  ).ready();
  const base = run.exported('PHOSPHO_BASE_URL');
  const metrics = await fetch(new URL('/metrics', base));
  expect(metrics.status).toBe(401);
  const authorization = `Bearer ${run.exported('PHOSPHO_API_KEY')}`;
  const compared = await fetch(`${base}/evals/compare`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: '{}',
  });
  expect(compared.status).toBe(422);
  while (!run.out.includes('/v2/evals/compare"')) await once(run.child.stdout!, 'data');
  const lines = run.out.split('\n').filter((line) => line.startsWith('{'));
  // The first two tell of the project and the key that the start has made.
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { audit: 'project.create', project: 'demo' },
    { audit: 'key.create', project: 'demo' },
    { method: 'GET', route: '/metrics', status: 401 },
    { method: 'POST', route: '/v2/evals/compare', status: 422, project: 'demo' },
  ]);
});
