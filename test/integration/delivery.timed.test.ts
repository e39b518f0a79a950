import { AsyncLocalStorage } from 'node:async_hooks';
import type { DropInfo, Ledger } from 'phospho-express';
import { describe, expect, it, vi } from 'vitest';
import { expectBalanced, logTasks, phosphoFor } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { deadUrl } from './client-fixture.ts';

/** A double on a socket and a Phospho that delivers to it, its ledger checked whenever a hook is called. */
async function setUp(options: Parameters<typeof phosphoFor>[0] = {}) {
  const double = new PhosphoDouble();
  const baseUrl = await double.serve();
  const drops: DropInfo[] = [];
  const errors: unknown[] = [];
  const delivered: string[] = [];
  const check = () => expectBalanced(phospho.stats());
  const phospho = phosphoFor({
    baseUrl,
    onDrop: (info) => {
      drops.push(info);
      check();
    },
    onError: (error) => {
      errors.push(error);
      check();
    },
    onDelivered: (taskId) => {
      delivered.push(taskId);
      check();
    },
    ...options,
  });
  double.onAsked = check;
  return { double, phospho, drops, errors, delivered };
}

function counts({ events }: Ledger) {
  const {
    pending: _p,
    queued: _q,
    inFlight: _i,
    parked: _k,
    recovered: _r,
    spooled: _s,
    ...rest
  } = events;
  return rest;
}

describe('what the server gets', () => {
  it('events arrive once each, as JSON, with the key, in batches of at most 100', async () => {
    const { double, phospho, delivered } = await setUp();
    const ids = logTasks(phospho, 250);
    expectBalanced(phospho.stats());
    const ledger = await phospho.flush();
    expect(counts(ledger)).toEqual({ captured: 250, delivered: 250, deadLettered: 0, dropped: {} });
    expect([...double.stored.keys()].sort()).toEqual([...ids].sort());
    expect(Math.max(...double.batches.map(({ length }) => length))).toBeLessThanOrEqual(100);
    // Serialising stops to breathe every few milliseconds, and what is there by then leaves.
    expect(double.batches.length).toBeLessThan(25);
    expect(delivered.sort()).toEqual([...ids].sort());
    expect(double.asked[0]).toMatchObject({
      path: '/v2/log/p',
      headers: { authorization: expect.stringMatching(/^Bearer key-/) },
    });
  });

  it('a batch waits for more until 500 ms have passed since its first event, not its last', async () => {
    const { double, phospho } = await setUp();
    const started = performance.now();
    let sent = 0;
    const steady = setInterval(() => {
      phospho.log({ input: 'x', output: 'y', taskId: `s${sent++}` });
    }, 20);
    await double.arrived(1);
    clearInterval(steady);
    const waited = performance.now() - started;
    expect(waited).toBeGreaterThan(400);
    expect(waited).toBeLessThan(1_000);
    expect(double.batches[0]?.length).toBeGreaterThan(5);
    await phospho.flush();
    expect(double.stored.size).toBe(sent);
  });

  it('a batch has at most 1 MiB, and a larger event goes alone', async () => {
    const { double, phospho } = await setUp();
    for (const [index, size] of [150_000, 150_000, 150_000, 150_000, 1_300_000, 10].entries()) {
      phospho.log({ input: 'ä'.repeat(size / 2), taskId: `b${index}` });
    }
    const ledger = await phospho.flush();
    expect(ledger.events.delivered).toBe(6);
    expect(double.batches).toContainEqual(['b4']);
    for (const { ids, body } of double.asked) {
      if (ids.length > 1) expect(Buffer.byteLength(body)).toBeLessThan(1_048_576 + 200);
    }
    expect(double.batches.length).toBeLessThan(6);
  });

  it('one id logged twice is never twice in one batch', async () => {
    const { double, phospho } = await setUp({ delivery: { concurrency: 1 } });
    for (const input of ['first', 'second']) phospho.log({ input, taskId: 'same' });
    const ledger = await phospho.flush();
    expect(double.batches).toEqual([['same'], ['same']]);
    expect(double.stored.get('same')).toMatchObject({ input: 'first' });
    expect(ledger.events.delivered).toBe(2);
  });

  it('no more than two batches are under way at once', async () => {
    const { double, phospho } = await setUp({ delivery: { maxBatchEvents: 1 } });
    let most = 0;
    double.onAsked = () => {
      most = Math.max(most, phospho.stats().events.inFlight);
    };
    logTasks(phospho, 20);
    await phospho.flush();
    expect(most).toBe(2);
    expect(double.batches).toHaveLength(20);
  });

  it('batches leave outside the request that logged them', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const phospho = phosphoFor({
      exporter: {
        async export(batch) {
          seen.push(storage.getStore());
          return batch.map(() => ({ ok: true }));
        },
        async flag() {
          seen.push(storage.getStore());
        },
      },
    });
    await storage.run('a request', async () => {
      logTasks(phospho, 1);
      phospho.flag('elsewhere', 'success');
      await phospho.flush();
    });
    expect(seen).toEqual([undefined, undefined]);
  });
});

describe('what the server refuses', () => {
  it('an event answered by error_in_log is dead-lettered alone, or counted as quota', async () => {
    const { double, phospho, drops } = await setUp();
    double.errorInLog = ({ task_id }) =>
      ({ t1: 'input: field required', t3: 'Max usage quota reached for org' })[`${task_id}`];
    logTasks(phospho, 5);
    const ledger = await phospho.flush();
    expect(counts(ledger)).toEqual({
      captured: 5,
      delivered: 3,
      deadLettered: 1,
      dropped: { quota: 1 },
    });
    expect(drops).toEqual([
      {
        kind: 'event',
        reason: 'refused',
        taskIds: ['t1'],
        count: 1,
        message: 'input: field required',
      },
      {
        kind: 'event',
        reason: 'quota',
        taskIds: ['t3'],
        count: 1,
        message: expect.stringContaining('quota'),
      },
    ]);
    expect(double.batches).toHaveLength(1);
  });

  it.each([400, 413, 422])(
    'a %i costs only the bad event; the others are stored once',
    async (status) => {
      // A flush would send what a busy machine has serialised so far; a full batch goes by itself.
      const { double, phospho, drops } = await setUp({ delivery: { lingerMs: 60_000 } });
      double.behave = ({ ids }) => (ids.includes('t37') ? { status } : undefined);
      const ids = logTasks(phospho, 100);
      await double.arrived(1);
      const ledger = await phospho.flush();
      expect(counts(ledger)).toEqual({
        captured: 100,
        delivered: 99,
        deadLettered: 1,
        dropped: {},
      });
      expect([...double.storings]).toHaveLength(99);
      expect(Math.max(...double.storings.values())).toBe(1);
      expect([...double.stored.keys(), 't37'].sort()).toEqual([...ids].sort());
      expect(drops).toMatchObject([{ reason: 'refused', taskIds: ['t37'] }]);
      expect(drops[0]?.message).toContain(`${status}`);
      // One path down a tree of a hundred leaves.
      expect(double.batches.length).toBeLessThan(16);
    },
  );

  it('a server that refuses everything is not asked event by event at full speed', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.999);
    const { double, phospho } = await setUp();
    double.behave = () => ({ status: 400 });
    logTasks(phospho, 50);
    const ledger = await phospho.flush({ timeoutMs: 1_200 });
    expect(double.asked.length).toBeLessThan(20);
    expect(ledger.events.queued).toBeGreaterThan(40);
    double.behave = () => undefined;
    const after = await phospho.flush({ timeoutMs: 10_000 });
    expect(after.events.delivered).toBe(50 - after.events.deadLettered);
    vi.restoreAllMocks();
  });

  it.each([401, 403, 404])(
    'a %i keeps events, says so once and loudly, and asks no more',
    async (status) => {
      const said: string[] = [];
      const logger = {
        debug() {},
        info() {},
        warn: (message: string) => void said.push(`warn ${message}`),
        error: (message: string) => void said.push(`error ${message}`),
      };
      // A second batch under way would be asked for too.
      const { double, phospho, errors } = await setUp({ logger, delivery: { concurrency: 1 } });
      double.behave = () => ({ status });
      logTasks(phospho, 3);
      await phospho.flush({ timeoutMs: 200 });
      logTasks(phospho, 3, 'u');
      const ledger = await phospho.flush({ timeoutMs: 200 });
      expect(double.asked).toHaveLength(1);
      expect(ledger.events).toMatchObject({
        queued: 6,
        delivered: 0,
        deadLettered: 0,
        dropped: {},
      });
      expect(said).toEqual([
        expect.stringMatching(/^error .*check the API key, project and base URL/),
      ]);
      expect(errors).toHaveLength(1);
    },
  );
});

describe('when the server is in trouble', () => {
  it.each([
    ['500', { status: 500 }],
    ['408', { status: 408 }],
    ['a reset', 'reset'],
    ['a reset after storing', 'stored, then reset'],
    ['a 200 that is a page', { status: 200, body: '<html>Welcome</html>' }],
    ['a 200 with too few results', { status: 200, body: '{"logged_events":[{}]}' }],
    ['a 200 with too many results', { status: 200, body: '{"logged_events":[{},{},{},{}]}' }],
    ['a 200 without results', { status: 200, body: '{}' }],
    ['an empty 200', { status: 200, body: '' }],
  ] as const)('after %s events are sent again, and stored', async (_, behaviour) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.1);
    const { double, phospho, errors } = await setUp();
    double.script = [behaviour];
    const ids = logTasks(phospho, 3);
    const ledger = await phospho.flush();
    expect(counts(ledger)).toEqual({ captured: 3, delivered: 3, deadLettered: 0, dropped: {} });
    // On a busy machine the first batch may go out before all of them are serialised.
    const [first = [], ...others] = double.batches;
    expect(ids.slice(0, first.length)).toEqual(first);
    expect(others.flat().sort()).toEqual(ids);
    expect(errors).toHaveLength(1);
    vi.restoreAllMocks();
  });

  it('while nobody listens the app runs on, and all arrives once the server is back', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.2);
    const baseUrl = await deadUrl();
    const phospho = phosphoFor({ baseUrl });
    const started = performance.now();
    const ids = logTasks(phospho, 1_000);
    expect(performance.now() - started).toBeLessThan(500);
    const during = await phospho.flush({ timeoutMs: 300 });
    expectBalanced(during);
    expect(during.events).toMatchObject({ delivered: 0, dropped: {} });
    const double = new PhosphoDouble();
    await double.serve(Number(new URL(baseUrl).port));
    const ledger = await phospho.flush();
    expect(ledger.events).toMatchObject({ delivered: 1_000, dropped: {} });
    expect([...double.stored.keys()].sort()).toEqual([...ids].sort());
    expect(Math.max(...double.storings.values())).toBe(1);
    vi.restoreAllMocks();
  });

  it.each([
    ['seconds', () => '1'],
    ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
  ])('Retry-After in %s pauses everything, whatever else succeeds meanwhile', async (_, when) => {
    const { double, phospho } = await setUp({ delivery: { maxBatchEvents: 1, lingerMs: 0 } });
    const at: number[] = [];
    double.onAsked = () => at.push(performance.now());
    double.script = [{ status: 429, headers: { 'retry-after': when() } }];
    logTasks(phospho, 6);
    const ledger = await phospho.flush();
    expect(ledger.events.delivered).toBe(6);
    // The first one and its neighbour in the other lane; then a pause; then all the rest.
    const pauses = at.map((time, index) => time - (at[index - 1] ?? time));
    expect(pauses.filter((pause) => pause > 900)).toHaveLength(1);
    expect(pauses.findIndex((pause) => pause > 900)).toBeLessThanOrEqual(2);
  });

  it('in an outage it is asked by one probe at a time, ever more rarely', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.3);
    const { double, phospho } = await setUp({ delivery: { maxBatchEvents: 10 } });
    let most = 0;
    double.behave = () => ({ status: 503 });
    double.onAsked = () => {
      if (double.asked.length > 2) most = Math.max(most, phospho.stats().events.inFlight);
    };
    logTasks(phospho, 100);
    await phospho.flush({ timeoutMs: 1_500 });
    expect(most).toBe(10);
    expect(double.asked.length).toBeLessThan(8);
    vi.restoreAllMocks();
  });

  it('when the queue is full the oldest events go, and are counted exactly', async () => {
    const { double, phospho, drops } = await setUp({
      delivery: { maxQueueEvents: 100, maxBatchEvents: 10 },
    });
    double.behave = () => 'hang';
    const ids = logTasks(phospho, 500);
    await double.arrived(2);
    await vi.waitFor(() => expect(phospho.stats().events.pending).toBe(0));
    const { events } = phospho.stats();
    expect(events).toMatchObject({ captured: 500, inFlight: 20, queued: 100 });
    expect(events.dropped).toEqual({ queue_full: 380 });
    const dropped = drops.flatMap(({ taskIds }) => taskIds);
    expect(dropped).toEqual(ids.slice(20, 400));
  });

  it('the queue is bounded by bytes as well', async () => {
    const { double, phospho } = await setUp({ delivery: { maxQueueBytes: 10_240 } });
    double.behave = () => 'hang';
    for (let index = 0; index < 10; index++) {
      phospho.log({ input: 'é'.repeat(1_000), taskId: `b${index}` });
    }
    await vi.waitFor(() => expect(phospho.stats().events.pending).toBe(0));
    const { queued, dropped } = phospho.stats().events;
    // An event has some 2 kB, or 4 with its raw body.
    expect(queued).toBeGreaterThanOrEqual(2);
    expect(queued).toBeLessThanOrEqual(4);
    expect(dropped).toEqual({ queue_full: 10 - queued });
  });
});

describe('without a key', () => {
  it('the app runs, drops are counted, one warning says what to set, and a later key starts capture', async () => {
    const warn = vi.fn();
    const double = new PhosphoDouble();
    const baseUrl = await double.serve();
    const phospho = phosphoFor({
      apiKey: '',
      projectId: '',
      baseUrl,
      logger: { debug() {}, info() {}, warn, error: warn },
    });
    logTasks(phospho, 3);
    phospho.flag('t0', 'success');
    phospho.flag('elsewhere', 'success');
    const started = performance.now();
    const before = await phospho.flush();
    expect(performance.now() - started).toBeLessThan(1_000);
    expectBalanced(before);
    expect(before.events.dropped).toEqual({ unconfigured: 3 });
    expect(before.flags).toMatchObject({ deadLettered: 1, dropped: { unconfigured: 1 } });
    const aboutEvents = warn.mock.calls
      .map(String)
      .filter((text) => text.includes('tasks are not'));
    expect(aboutEvents).toEqual([expect.stringContaining('PHOSPHO_API_KEY')]);
    vi.stubEnv('PHOSPHO_API_KEY', 'a-key');
    vi.stubEnv('PHOSPHO_PROJECT_ID', 'a-project');
    logTasks(phospho, 2, 'later');
    const after = await phospho.flush();
    vi.unstubAllEnvs();
    expect(after.events.delivered).toBe(2);
    expect(double.asked[0]?.path).toBe('/v2/log/a-project');
  });
});
