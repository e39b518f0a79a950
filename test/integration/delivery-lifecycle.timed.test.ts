import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AppRequest, EventResult, Exporter, Ledger } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import { describe, expect, it, vi } from 'vitest';
import { chunks } from '../fixtures/openai-chat.ts';
import { expectBalanced, logTasks, phosphoFor } from '../helpers/ledger.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';
import { listening } from '../helpers/servers.ts';

/** An exporter whose batches are answered by hand. */
class HeldExporter implements Exporter {
  readonly calls: { ids: string[]; signal: AbortSignal; accept: () => void }[] = [];
  readonly flags: string[] = [];

  export(
    batch: Parameters<Exporter['export']>[0],
    signal: AbortSignal,
  ): Promise<readonly EventResult[]> {
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      const accept = () => resolve(batch.map(() => ({ ok: true })));
      this.calls.push({ ids: batch.map(({ taskId }) => taskId), signal, accept });
    });
  }

  async flag({ taskId }: { taskId: string }): Promise<void> {
    this.flags.push(taskId);
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<false>((resolve) => setTimeout(() => resolve(false), 20)),
  ]);
}

describe('flush()', () => {
  it('waits for a batch that is already under way', async () => {
    const exporter = new HeldExporter();
    const phospho = phosphoFor({ exporter, delivery: { lingerMs: 0 } });
    logTasks(phospho, 1);
    await vi.waitFor(() => expect(exporter.calls).toHaveLength(1));
    const flushing = phospho.flush();
    expect(await isSettled(flushing)).toBe(false);
    exporter.calls[0]?.accept();
    expect((await flushing).events.delivered).toBe(1);
  });

  it('is not kept busy by what is logged after it was called', async () => {
    const exporter = new HeldExporter();
    const phospho = phosphoFor({ exporter, delivery: { maxBatchEvents: 1 } });
    logTasks(phospho, 1);
    const flushing = phospho.flush();
    await vi.waitFor(() => expect(exporter.calls).toHaveLength(1));
    logTasks(phospho, 5, 'later');
    phospho.flag('elsewhere', 'success');
    exporter.calls[0]?.accept();
    const { events } = await flushing;
    expect(events.delivered).toBe(1);
    expect(events.captured).toBe(6);
  });

  it('resolves under steady traffic', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter });
    let count = 0;
    const steady = setInterval(() => logTasks(phospho, 20, `s${count++}-`), 1);
    for (let round = 0; round < 20; round++) expectBalanced(await phospho.flush());
    clearInterval(steady);
  });

  it('sends at once instead of waiting for a batch to fill, in as few batches as may be', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter, delivery: { lingerMs: 60_000 } });
    logTasks(phospho, 30);
    const started = performance.now();
    await phospho.flush();
    expect(performance.now() - started).toBeLessThan(1_000);
    expect(exporter.batches.length).toBeLessThanOrEqual(2);
  });

  it('gives up when its time is over, says where everything is, and never rejects', async () => {
    const exporter = new HeldExporter();
    const phospho = phosphoFor({ exporter });
    logTasks(phospho, 3);
    // Their way to the exporter takes longer than that on a busy machine.
    void phospho.flush();
    await vi.waitFor(() => expect(phospho.stats().events.inFlight).toBe(3));
    const ledger = await phospho.flush({ timeoutMs: 50 });
    expectBalanced(ledger);
    expect(ledger.events).toMatchObject({ captured: 3, inFlight: 3, delivered: 0 });
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expectBalanced(await phospho.flush({ timeoutMs }));
    }
    // A busy machine serialises them in more than one go.
    for (const call of exporter.calls) call.accept();
    expect((await phospho.flush()).events.delivered).toBe(3);
  });

  it('with nothing to do is done at once', async () => {
    const phospho = phosphoFor({ exporter: new InMemoryExporter() });
    const started = performance.now();
    const ledgers = await Promise.all([phospho.flush(), phospho.flush()]);
    expect(performance.now() - started).toBeLessThan(50);
    for (const ledger of ledgers) expectBalanced(ledger);
  });

  it('does not wait for the flag of a task that is still open, but for one of a task that has settled', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter });
    const server = createServer((req, res) =>
      phospho.middleware()(req, res, () => {
        const { taskId } = (req as AppRequest).phospho ?? { taskId: '' };
        phospho.flag(taskId, 'success');
        res.setHeader('content-type', 'application/json');
        res.write('{"object":"chat.completion"');
        ending.resolve = () => res.end(',"choices":[{"message":{"content":"Hi"}}]}');
      }),
    );
    const ending = { resolve: () => {} };
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/chat`);
    const started = performance.now();
    const during = await phospho.flush({ timeoutMs: 5_000 });
    expect(performance.now() - started).toBeLessThan(1_000);
    expectBalanced(during);
    expect(during.flags.held).toBe(1);
    ending.resolve();
    await response.text();
    await vi.waitFor(() => expect(phospho.stats().events.captured).toBe(1));
    const after = await phospho.flush();
    server.close();
    expect(after.events.delivered).toBe(1);
    expect(after.flags).toMatchObject({ held: 0, delivered: 1 });
  });
});

describe('shutdown()', () => {
  it('called as a server has closed delivers what that cut off', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter });
    const middleware = phospho.middleware();
    const server = createServer((req, res) =>
      middleware(req as AppRequest, res, () => {
        res.setHeader('content-type', 'text/event-stream');
        res.write(`data: ${JSON.stringify(chunks[0])}\n\n`);
      }),
    );
    const port = await listening(server);
    const body = { messages: [{ role: 'user', content: 'Rain?' }] };
    const answer = await fetch(`http://127.0.0.1:${port}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { events } = await new Promise<Ledger>((resolve) => {
      server.close(() => resolve(phospho.shutdown()));
      server.closeAllConnections();
    });
    await expect(answer.text()).rejects.toThrow();
    expect(events).toMatchObject({ captured: 1, delivered: 1, dropped: {} });
    expect(exporter.events[0]).toMatchObject({ input: 'Rain?', metadata: { outcome: 'aborted' } });
  });

  it('delivers what waits, and resolves to the ledger', async () => {
    const exporter = new InMemoryExporter();
    const shutdown = vi.fn(async () => {});
    const phospho = phosphoFor({ exporter: Object.assign(exporter, { shutdown }) });
    const ids = logTasks(phospho, 10);
    phospho.flag('t3', 'success');
    const ledger = await phospho.shutdown();
    expectBalanced(ledger);
    expect(ledger.events.delivered).toBe(10);
    expect(ledger.flags.delivered).toBe(1);
    expect(exporter.events.map(({ task_id }) => task_id)).toEqual(ids);
    expect(shutdown).toHaveBeenCalledTimes(1);
  });

  it('may be called again and again, and answers the same', async () => {
    const phospho = phosphoFor({ exporter: new InMemoryExporter() });
    logTasks(phospho, 1);
    const [one, two] = await Promise.all([phospho.shutdown(), phospho.shutdown({ timeoutMs: 0 })]);
    expect(two).toEqual(one);
    expect(await phospho.shutdown()).toEqual(one);
  });

  it('aborts what is under way when its time is over; the rest counts as dropped', async () => {
    const exporter = new HeldExporter();
    const drops: string[] = [];
    const phospho = phosphoFor({
      exporter,
      delivery: { maxBatchEvents: 1 },
      onDrop: ({ kind, reason, taskIds }) => {
        drops.push(...taskIds.map((id) => `${kind} ${reason} ${id}`));
        expectBalanced(phospho.stats());
      },
    });
    const ids = logTasks(phospho, 5);
    phospho.flag('t4', 'failure');
    const started = performance.now();
    const ledger = await phospho.shutdown({ timeoutMs: 50 });
    expect(performance.now() - started).toBeLessThan(500);
    expectBalanced(ledger);
    expect(exporter.calls).toHaveLength(2);
    expect(exporter.calls.every(({ signal }) => signal.aborted)).toBe(true);
    expect(ledger.events).toMatchObject({ inFlight: 0, queued: 0, dropped: { shutdown: 5 } });
    expect(ledger.flags).toMatchObject({ held: 0, deadLettered: 1 });
    expect(drops.sort()).toEqual(
      [...ids.map((id) => `event shutdown ${id}`), 'flag task_lost t4'].sort(),
    );
  });

  it('over HTTP, too, it is done in time though the server hangs', async () => {
    const double = new PhosphoDouble();
    double.behave = () => 'hang';
    const phospho = phosphoFor({ baseUrl: await double.serve() });
    logTasks(phospho, 5);
    phospho.flag('elsewhere', 'success');
    const started = performance.now();
    const ledger = await phospho.shutdown({ timeoutMs: 200 });
    expect(performance.now() - started).toBeLessThan(900);
    expect(ledger.events).toMatchObject({ captured: 5, dropped: { shutdown: 5 } });
    expect(ledger.flags).toMatchObject({ captured: 1, dropped: { shutdown: 1 } });
  });

  it('is not held up by a direct call of the client that takes its time', async () => {
    const double = new PhosphoDouble();
    double.behave = ({ path }) => (path.includes('/log/') ? undefined : 'hang');
    const phospho = phosphoFor({ baseUrl: await double.serve() });
    const call = phospho.client.post('/slow').catch((error: Error) => error);
    await double.arrived(1);
    const started = performance.now();
    expect(await phospho.shutdown({ timeoutMs: 100 })).toMatchObject({ events: { captured: 0 } });
    expect(performance.now() - started).toBeLessThan(1_500);
    await phospho.client.http.destroy();
    expect(await call).toMatchObject({ code: 'ERR_PHOSPHO_CLOSED' });
  });

  it('what settles or is flagged afterwards is counted, and goes nowhere', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter });
    await phospho.shutdown();
    logTasks(phospho, 2);
    phospho.flag('elsewhere', 'success');
    const ledger = await phospho.flush();
    expectBalanced(ledger);
    expect(ledger.events).toMatchObject({ captured: 2, dropped: { shutdown: 2 } });
    expect(ledger.flags).toMatchObject({ captured: 1, dropped: { shutdown: 1 } });
    expect(exporter.batches).toEqual([]);
  });

  it.each<[string, () => Promise<void>]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['rejects', () => Promise.reject(undefined)],
    ['never settles', () => new Promise(() => {})],
  ])('an exporter whose shutdown %s does not matter', async (_, shutdown) => {
    const phospho = phosphoFor({ exporter: Object.assign(new InMemoryExporter(), { shutdown }) });
    logTasks(phospho, 1);
    const started = performance.now();
    expect((await phospho.shutdown()).events.delivered).toBe(1);
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('probes once more at once, even while the circuit is open', async () => {
    const double = new PhosphoDouble();
    double.script = [{ status: 503, headers: { 'retry-after': '120' } }];
    const phospho = phosphoFor({ baseUrl: await double.serve() });
    logTasks(phospho, 3);
    await phospho.flush({ timeoutMs: 100 });
    const ledger = await phospho.shutdown({ timeoutMs: 2_000 });
    expect(ledger.events.delivered).toBe(3);
  });
});

describe('an exporter of the user that', () => {
  const cases: [string, (() => unknown) | undefined, keyof Ledger['events']][] = [
    [
      'throws',
      () => {
        throw new Error('no');
      },
      'queued',
    ],
    ['rejects with undefined', () => Promise.reject(undefined), 'queued'],
    [
      'rejects with an object that cannot be a string',
      () => Promise.reject(Object.create(null)),
      'queued',
    ],
    [
      'rejects with an error whose message throws',
      () =>
        Promise.reject(
          Object.defineProperty(new Error(), 'message', {
            get() {
              throw new Error('ha');
            },
          }),
        ),
      'queued',
    ],
    ['returns nothing', () => undefined, 'delivered'],
    ['resolves to nothing', async () => {}, 'delivered'],
    ['resolves to a text', async () => 'ok', 'delivered'],
    ['resolves to too few results', async () => [{ ok: true }], 'delivered'],
    ['resolves to junk', async () => [null, 7, 'x'], 'delivered'],
    [
      'refuses without a message',
      async () => [{ ok: false }, { ok: false }, { ok: false }],
      'deadLettered',
    ],
    ['never settles', () => new Promise(() => {}), 'inFlight'],
  ];

  it.each(cases)(
    '%s: the app does not notice, and the ledger holds',
    async (_, act, where) => {
      const exporter = { export: () => act?.(), flag: () => act?.() } as unknown as Exporter;
      const phospho = phosphoFor({ exporter, onDrop: () => expectBalanced(phospho.stats()) });
      const now = () => phospho.stats().events[where];
      logTasks(phospho, 3);
      phospho.flag('elsewhere', 'success');
      const ledger = await phospho.flush({ timeoutMs: 30 });
      expectBalanced(ledger);
      expect(now()).toBe(3);
      if (where === 'inFlight') return;
      expectBalanced(await phospho.shutdown({ timeoutMs: 10 }));
    },
    5_000,
  );

  it('empties the batch it is given loses nothing of it', async () => {
    const sent: string[][] = [];
    const exporter = {
      export(batch: { taskId: string }[]) {
        sent.push(batch.map(({ taskId }) => taskId));
        batch.length = 0;
        return sent.length === 1 ? Promise.reject(new Error('later')) : Promise.resolve([]);
      },
      async flag() {},
    } as unknown as Exporter;
    vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const phospho = phosphoFor({ exporter });
    const ids = logTasks(phospho, 3);
    const ledger = await phospho.flush();
    vi.restoreAllMocks();
    expect(sent).toEqual([ids, ids]);
    expect(ledger.events.delivered).toBe(3);
  });

  it('cannot say whether it is configured is taken to be', async () => {
    const exporter = Object.assign(new InMemoryExporter(), {
      isConfigured() {
        throw new Error('no idea');
      },
    });
    const onError = vi.fn(() => expectBalanced(phospho.stats()));
    const phospho = phosphoFor({ exporter, onError });
    logTasks(phospho, 1);
    phospho.flag('elsewhere', 'success');
    const { events, flags } = await phospho.flush();
    expect({ events: events.delivered, flags: flags.delivered }).toEqual({ events: 1, flags: 1 });
    expect(onError.mock.results.map(({ type }) => type)).toEqual(['return', 'return']);
  });
});

describe('hooks of the user', () => {
  const bad: [string, () => unknown][] = [
    [
      'throw',
      () => {
        throw new Error('hook');
      },
    ],
    ['reject', () => Promise.reject(new Error('hook'))],
    [
      'throw nothing',
      () => {
        throw undefined;
      },
    ],
    ['never settle', () => new Promise(() => {})],
  ];

  it.each(bad)('that %s change nothing', async (_, hook) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const double = new PhosphoDouble();
    double.script = [{ status: 500 }];
    double.errorInLog = ({ task_id }) => (task_id === 't1' ? 'bad' : undefined);
    vi.spyOn(Math, 'random').mockReturnValue(0.01);
    const phospho = phosphoFor({
      baseUrl: await double.serve(),
      onDrop: hook,
      onError: hook,
      onAccepted: hook,
      onDelivered: hook,
      logger: { debug: hook, info: hook, warn: hook, error: hook },
      logLevel: 'debug',
    });
    logTasks(phospho, 3);
    const ledger = await phospho.flush();
    vi.restoreAllMocks();
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('unhandledRejection', unhandled);
    expect(ledger.events).toMatchObject({ delivered: 2, deadLettered: 1 });
    expect(unhandled).not.toHaveBeenCalled();
  });

  it('may log, flag and flush themselves', async () => {
    const exporter = new InMemoryExporter();
    let again = 0;
    const phospho = phosphoFor({
      exporter,
      onDelivered: (taskId) => {
        expectBalanced(phospho.stats());
        if (again++ >= 5) return;
        phospho.log({ input: 'from a hook', taskId: `hook${again}` });
        phospho.flag(taskId, 'success');
        void phospho.flush();
      },
    });
    logTasks(phospho, 1);
    await vi.waitFor(() => expect(phospho.stats().events.delivered).toBe(6));
    await phospho.flush();
    expect(exporter.flags).toHaveLength(5);
  });
});
