import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent } from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CollectorOptions } from '../../src/collector/index.ts';
import { resolveOptions } from '../../src/collector/resolve-options.ts';
import { openStore } from '../../src/collector/store/open-store.ts';
import { Phospho } from '../../src/index.ts';
import type { JsonObject } from '../../src/types.ts';
import { emptyDatabase, kind } from '../helpers/databases.ts';
import { parsePrometheusText } from '../helpers/prometheus-text.ts';
import { as, startCollector } from './collector-helpers.ts';

type Started = Awaited<ReturnType<typeof startCollector>>;

/** A database that several collectors can open. */
async function sharedDatabase(): Promise<{ database: string; poolSize?: number }> {
  if (kind === 'postgres' || kind === 'partitioned') return emptyDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'phospho-limits-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { database: `sqlite:${join(folder, 'phospho.db')}` };
}

async function setIn(options: CollectorOptions, settings: JsonObject): Promise<void> {
  const store = await openStore(resolveOptions(options, {}).database);
  const changed = await store.projects.change('demo', { settings }, 'test');
  expect(changed?.settings).toMatchObject(settings);
  await store.close();
}

const eventsOf = (count: number, prefix = 't') =>
  Array.from({ length: count }, (_, i) => ({ task_id: `${prefix}${i}`, input: 'x' }));

const send = ({ post }: Started, events: unknown[]) =>
  post('/log/demo', { batched_log_events: events });

async function limited({ collector }: Started, limit: string): Promise<number | undefined> {
  const { text } = await agent(collector.app).get('/metrics').expect(200);
  const name = 'phospho_collector_limited';
  return parsePrometheusText(text)
    .get(`${name}_total`)
    ?.samples.get(`${name}_total{limit="${limit}"}`);
}

describe('events a minute', () => {
  test('beyond the limit are 429, with what and when, and nothing of them is stored', async () => {
    const started = await startCollector({ eventsPerMinute: 60 });
    await send(started, eventsOf(50)).expect(200);
    const { body, headers } = await send(started, eventsOf(20, 'late')).expect(429);
    expect(body.detail).toMatch(
      /^Project demo has reached its limit of 60 events a minute \(eventsPerMinute of the collector; its own setting would be events_per_minute\)/,
    );
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(8);
    expect(Number(headers['retry-after'])).toBeLessThanOrEqual(10);
    await started.get('/tasks/late0').expect(404);
    await send(started, eventsOf(5, 'fits')).expect(200);
    expect(await limited(started, 'events_per_minute')).toBe(1);
  });

  test('are counted for single tasks and spans too', async () => {
    const started = await startCollector({ eventsPerMinute: 2 });
    const { post, collector } = started;
    const one = () => post('/tasks', { project_id: 'demo', input: 'x' });
    await one().expect(200);
    await one().expect(200);
    await one().expect(429);
    const spans = {
      resourceSpans: [
        { scopeSpans: [{ spans: [{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }] }] },
      ],
    };
    const otlp = (path: string) =>
      agent(collector.app)
        .post(path)
        .set('authorization', `Bearer ${collector.apiKey}`)
        .send(spans)
        .expect(429);
    const standard = await otlp('/v1/traces');
    expect(standard.body).toEqual({
      code: 8,
      message: standard.body.detail,
      detail: expect.stringContaining('2 events a minute'),
    });
    expect(standard.headers['retry-after']).toMatch(/^\d+$/);
    expect((await otlp('/v3/otl/demo')).body).toEqual({ detail: expect.any(String) });
  });

  test('leave flags, reads and other projects alone', async () => {
    const shared = await sharedDatabase();
    const options = { ...shared, eventsPerMinute: 5, requestsPerMinute: 5 };
    const started = await startCollector(options);
    const other = await startCollector({ ...options, project: 'other' });
    await send(started, eventsOf(5)).expect(200);
    for (let i = 0; i < 4; i++) await send(started, eventsOf(1)).expect(429);
    await send(started, []).expect(429);
    await started.post('/tasks/t0/flag', { flag: 'success' }).expect(200);
    await started.get('/tasks/t0').expect(200);
    await other.post('/log/other', { batched_log_events: eventsOf(5) }).expect(200);
  });

  test('of a Phospho are kept and sent again: none is lost, each is stored once', {
    timeout: 40_000,
  }, async () => {
    const started = await startCollector({ eventsPerMinute: 600 });
    const { collector } = started;
    await collector.listen();
    const { baseUrl, apiKey = '', projectId } = collector;
    const phospho = new Phospho({ baseUrl, apiKey, projectId });
    const ids = Array.from(
      { length: 660 },
      (_, i) => phospho.log({ input: `question ${i}`, output: 'x' }).taskId,
    );
    const { events } = await phospho.shutdown({ timeoutMs: 30_000 });
    expect(events).toMatchObject({ captured: 660, delivered: 660, dropped: {}, deadLettered: 0 });
    expect(await limited(started, 'events_per_minute')).toBeGreaterThanOrEqual(1);
    const { body } = await started.post('/projects/demo/tasks', { limit: 1000 }).expect(200);
    const stored = (body.tasks as { id: string }[]).map(({ id }) => id);
    expect(stored.sort()).toEqual([...ids].sort());
  });
});

describe('requests a minute', () => {
  test('beyond the limit are 429 before their bodies are looked at', async () => {
    const started = await startCollector({ requestsPerMinute: 3 });
    for (let i = 0; i < 3; i++) await started.get('/projects/demo').expect(200);
    const { body, headers } = await started.post('/tasks/t/flag', { flag: 'nonsense' }).expect(429);
    expect(body.detail).toMatch(/3 requests a minute \(requestsPerMinute/);
    expect(headers['retry-after']).toBe('20');
    await send(started, eventsOf(1)).expect(200);
    expect(await limited(started, 'requests_per_minute')).toBe(1);
    await agent(started.collector.app).get('/health').expect(200);
  });

  test('of flags without a key have a count of their own', async () => {
    const started = await startCollector({
      requestsPerMinute: 2,
      publicFlags: true,
      flagWaitMs: 0,
    });
    await send(started, eventsOf(1)).expect(200);
    const flag = () =>
      agent(started.collector.app)
        .post('/v2/tasks/t0/flag')
        .send({ flag: 'success', project_id: 'demo' });
    await flag().expect(200);
    await flag().expect(200);
    await flag().expect(429);
    await started.get('/tasks/t0').expect(200);
  });

  test('of flags that name projects which are not there have one count, so that names fill no memory', async () => {
    const { collector } = await startCollector({
      ...{ requestsPerMinute: 2, publicFlags: true, flagWaitMs: 0 },
    });
    const flag = (project_id: string) =>
      agent(collector.app).post('/v2/tasks/t/flag').send({ flag: 'success', project_id });
    await flag('nowhere').expect(404);
    await flag('neither').expect(404);
    const { body } = await flag('here').expect(429);
    expect(body.detail).toMatch(/^Project here has reached its limit of 2 requests a minute/);
    await flag('demo').expect(404);
  });

  test('of a key that administers are counted, those of the admin token are not', async () => {
    const { collector, admin } = await startCollector({ requestsPerMinute: 2 });
    const made = await admin.post('/admin/projects/demo/keys', { scopes: ['admin'] }).expect(200);
    const holder = as(collector, made.body.api_key);
    await holder.get('/admin/projects/demo').expect(200);
    await holder.post('/admin/projects/demo', { project_name: 'Demo' }).expect(200);
    const { headers } = await holder.get('/admin/projects/demo/keys').expect(429);
    expect(headers['retry-after']).toBe('30');
    for (let i = 0; i < 3; i++) await admin.get('/admin/projects/demo').expect(200);
  });
});

describe('events a day', () => {
  test('are those stored, not those known already, whatever their times say', async () => {
    const started = await startCollector({ eventsPerDay: 10 });
    const old = eventsOf(6).map((event) => ({ ...event, created_at: 1_600_000_000 }));
    await send(started, old).expect(200);
    await send(started, old.slice(0, 4)).expect(200);
    await send(started, eventsOf(4, 'more')).expect(200);
    const { body, headers } = await send(started, eventsOf(1, 'beyond')).expect(429);
    expect(body.detail).toMatch(/its limit of 10 events a day \(UTC\) \(eventsPerDay/);
    const untilMidnight = 86_400 - (Math.floor(Date.now() / 1000) % 86_400);
    expect(Math.abs(Number(headers['retry-after']) - untilMidnight)).toBeLessThanOrEqual(5);
    expect(await limited(started, 'events_per_day')).toBe(1);
    await started.get('/tasks/beyond0').expect(404);
    await send(started, []).expect(200);
  });

  test('are counted for all collectors of a database', async () => {
    const options = { ...(await sharedDatabase()), apiKey: 'one-key-for-both-of-them' };
    const [one, two] = [
      await startCollector({ ...options, eventsPerDay: 10 }),
      await startCollector({ ...options, eventsPerDay: 10 }),
    ];
    for (let i = 0; i < 5; i++) {
      await send(one, eventsOf(1, `one${i}`)).expect(200);
      await send(two, eventsOf(1, `two${i}`)).expect(200);
    }
    // What the other one has stored is known within a second. An event that is known already adds nothing.
    for (const each of [one, two]) {
      await vi.waitFor(
        async () => expect((await send(each, eventsOf(1, 'one'))).status).toBe(429),
        {
          timeout: 10_000,
          interval: 100,
        },
      );
      await send(each, eventsOf(1, 'beyond')).expect(429);
    }
  });

  test('that come at the same time do not pass the limit together', async () => {
    const started = await startCollector({ eventsPerDay: 25 });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => send(started, eventsOf(5, `${i}-`))),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(5);
    const { body } = await started.post('/projects/demo/tasks', { limit: 1000 }).expect(200);
    expect(body.tasks.length).toBeLessThanOrEqual(25);
    for (let i = 0; i < 5; i++) await send(started, eventsOf(5, `again${i}-`));
    const after = await started.post('/projects/demo/tasks', { limit: 1000 }).expect(200);
    expect(after.body.tasks).toHaveLength(25);
  });

  test('begin anew at midnight UTC', async () => {
    const started = await startCollector({ eventsPerDay: 2 });
    await send(started, eventsOf(2)).expect(200);
    await send(started, eventsOf(1, 'late')).expect(429);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    await send(started, eventsOf(2, 'next')).expect(200);
    await send(started, eventsOf(1, 'late')).expect(429);
  });

  test('that no day has room for are 413, so that a sender halves its batch', async () => {
    const started = await startCollector({ eventsPerDay: 3 });
    const { body } = await send(started, eventsOf(4)).expect(413);
    expect(body.detail).toMatch(/batch of 4 is larger than the limit of project demo/);
    await send(started, eventsOf(3)).expect(200);
  });
});

describe('a project’s own settings', () => {
  test('go before the collector’s options, soon after they are set', async () => {
    const options = await sharedDatabase();
    const started = await startCollector({ ...options, eventsPerMinute: 1000 });
    await setIn(options, { events_per_minute: 3 });
    await vi.waitFor(
      async () => {
        const { status, body } = await send(started, eventsOf(3, `${performance.now()}-`));
        expect([status, body.detail]).toEqual([
          429,
          expect.stringContaining('(events_per_minute: 3 in its settings)'),
        ]);
      },
      { timeout: 10_000, interval: 200 },
    );
    await setIn(options, { events_per_minute: 0 });
    await vi.waitFor(async () => expect((await send(started, eventsOf(50))).status).toBe(200), {
      timeout: 10_000,
      interval: 200,
    });
  });
});

describe('wrong keys', () => {
  const ask = ({ collector }: Started, key: string, path = '/v2/projects/demo') =>
    agent(collector.app).get(path).set('authorization', `Bearer ${key}`);

  test('are not looked at beyond 60 a minute, and a right one neither, unless it was there before', async () => {
    const shared = await sharedDatabase();
    const apiKey = 'the-key-that-is-known-here';
    const started = await startCollector({ ...shared, apiKey });
    const other = { project: 'other', apiKey: 'the-key-that-comes-late' };
    await startCollector({ ...shared, ...other });
    await ask(started, apiKey).expect(200);
    for (let i = 0; i < 60; i++) await ask(started, `phk_guess_${i}`).expect(401);
    const { body, headers } = await ask(started, 'phk_guess').expect(429);
    expect(body.detail).toMatch(/More than 60 wrong API keys .*failedKeysPerMinute/);
    expect(Number(headers['retry-after'])).toBeGreaterThan(50);
    await ask(started, other.apiKey, '/v2/projects/other').expect(429);
    await ask(started, apiKey).expect(200);
    await agent(started.collector.app).get('/v2/projects/demo').expect(401);
    await agent(started.collector.app)
      .post('/v1/traces')
      .set('authorization', 'Bearer phk_guess')
      .expect(429);
    expect(await limited(started, 'failed_keys_per_minute')).toBe(3);
  });

  test('are counted with wrong tokens for metrics and administration', async () => {
    const started = await startCollector({
      ...{ metricsToken: 'a-token-for-prometheus', failedKeysPerMinute: 3 },
    });
    await ask(started, 'guess-1', '/metrics').expect(401);
    await ask(started, 'guess-2', '/v2/admin/projects').expect(401);
    await ask(started, 'guess-3').expect(401);
    for (const path of ['/metrics', '/v2/admin/projects', '/v2/projects/demo'])
      await ask(started, 'guess-4', path).expect(429);
    // No key was brought, so none was guessed.
    await agent(started.collector.app).get('/metrics').expect(401);
  });

  test('that come at once do not pass the limit together, and right ones at once are all let in', async () => {
    const started = await startCollector({ apiKey: 'the-key-that-is-known-here' });
    await started.collector.listen();
    const all = async (keyOf: (i: number) => string) => {
      const answers = Array.from({ length: 150 }, (_, i) =>
        fetch(`${started.collector.baseUrl}/projects/demo`, {
          headers: { authorization: `Bearer ${keyOf(i)}` },
        }),
      );
      return (await Promise.all(answers)).map(({ status }) => status);
    };
    expect(await all(() => 'the-key-that-is-known-here')).toEqual(Array(150).fill(200));
    const statuses = await all((i) => `phk_guess_${i}`);
    expect(statuses.filter((status) => status === 401)).toHaveLength(60);
    expect(statuses.filter((status) => status === 429)).toHaveLength(90);
  });

  test('are looked at without end where the limit is 0', async () => {
    const started = await startCollector({ failedKeysPerMinute: 0 });
    for (let i = 0; i < 70; i++) await ask(started, `phk_guess_${i}`).expect(401);
  });
});
