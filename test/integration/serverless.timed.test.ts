import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { setImmediate as turn } from 'node:timers/promises';
import type {
  EventResult,
  Exporter,
  LogEvent,
  MiddlewareOptions,
  Phospho,
  QueuedEvent,
  QueuedFlag,
} from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { EXPRESS_VERSIONS, type Express } from '../helpers/express-versions.ts';
import { logTasks, phosphoFor, SILENT } from '../helpers/ledger.ts';
import { chatRequest, dial, gate, listening } from '../helpers/servers.ts';

const ASKED = { messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };
const EVENTS = { 'Content-Type': 'text/event-stream' };
const chunkOf = (content: string): string =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;

/** Takes batches only once it is told to. */
class SlowExporter implements Exporter {
  readonly events: LogEvent[] = [];
  readonly flags: string[] = [];
  readonly #taking = gate();
  readonly #asked = gate();

  /** Resolves once a batch waits. */
  get asked(): Promise<void> {
    return this.#asked.opened;
  }

  take(): void {
    this.#taking.open();
  }

  async export(batch: readonly QueuedEvent[]): Promise<EventResult[]> {
    this.#asked.open();
    await this.#taking.opened;
    this.events.push(...batch.map(({ json }) => JSON.parse(json) as LogEvent));
    return batch.map(() => ({ ok: true }));
  }

  async flag({ taskId }: QueuedFlag): Promise<void> {
    this.flags.push(taskId);
  }
}

/** Whether a promise has settled by now, given a few turns. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(
    () => {
      settled = true;
    },
    () => {
      settled = true;
    },
  );
  for (let turns = 0; turns < 10; turns++) await turn();
  return settled;
}

describe('waitUntil', () => {
  it('is given one promise for a burst, which resolves when all of it is delivered', async () => {
    const exporter = new InMemoryExporter();
    const promises: Promise<unknown>[] = [];
    const phospho = phosphoFor({
      exporter,
      delivery: { lingerMs: 60_000 },
      waitUntil: (promise) => void promises.push(promise),
    });
    logTasks(phospho, 20);
    expect(promises).toHaveLength(1);
    await promises[0];
    expect(exporter.events).toHaveLength(20);
  });

  it('is given at most one more while a delivery is under way', async () => {
    const exporter = new SlowExporter();
    const promises: Promise<unknown>[] = [];
    const phospho = phosphoFor({ exporter, waitUntil: (promise) => void promises.push(promise) });
    logTasks(phospho, 1);
    await exporter.asked;
    for (let round = 0; round < 50; round++) {
      logTasks(phospho, 1, `later-${round}-`);
      await turn();
    }
    expect(promises).toHaveLength(2);
    expect(await hasSettled(Promise.race(promises))).toBe(false);
    exporter.take();
    await Promise.all(promises);
    expect(exporter.events).toHaveLength(51);
  });

  it('is told of a flag too', async () => {
    const exporter = new InMemoryExporter();
    const promises: Promise<unknown>[] = [];
    const phospho = phosphoFor({ exporter, waitUntil: (promise) => void promises.push(promise) });
    phospho.flag('elsewhere', 'success');
    await Promise.all(promises);
    expect(exporter.flags).toMatchObject([{ taskId: 'elsewhere' }]);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('of the hook');
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the hook'))],
  ])('that %s changes nothing, and is said once', async (_kind, waitUntil) => {
    const warnings: string[] = [];
    const logger = { ...SILENT, warn: (message: string) => void warnings.push(message) };
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter, logger, waitUntil: waitUntil as () => void });
    for (let round = 0; round < 3; round++) {
      logTasks(phospho, 1, `r${round}-`);
      await phospho.flush();
    }
    expect(exporter.events).toHaveLength(3);
    expect(warnings).toEqual([expect.stringContaining('the hook waitUntil failed')]);
  });

  it('is not called for what is not recorded', async () => {
    const exporter = Object.assign(new InMemoryExporter(), { isConfigured: () => false });
    const waitUntil = vi.fn();
    const phospho = phosphoFor({ exporter, waitUntil });
    logTasks(phospho, 3);
    await phospho.flush();
    expect(waitUntil).not.toHaveBeenCalled();
  });

  it.each(['answered', 'left'])(
    'is called in the context of the request that was %s',
    async (how) => {
      const context = new AsyncLocalStorage<string>();
      const called: (string | undefined)[] = [];
      const phospho = phosphoFor({
        exporter: new InMemoryExporter(),
        waitUntil: () => void called.push(context.getStore()),
      });
      const middleware = phospho.middleware();
      const server = createServer((req, res) =>
        context.run('of the request', () =>
          middleware(req, res, () => {
            res.writeHead(200, EVENTS).write(chunkOf('Rain'));
            if (how === 'answered') setImmediate(() => res.end());
          }),
        ),
      );
      const line = await dial(await listening(server));
      line.socket.write(chatRequest());
      await line.said('Rain');
      if (how === 'left') line.socket.destroy();
      await vi.waitFor(() => expect(called).toEqual(['of the request']));
    },
  );
});

describe.each(EXPRESS_VERSIONS)('flushBeforeEnd on %s', (_name, express) => {
  function appWith(
    phospho: Phospho,
    routes: (app: Express) => void,
    options: MiddlewareOptions = { flushBeforeEnd: { timeoutMs: 30_000 } },
  ): Express {
    const app = express();
    app.use(phospho.middleware(options));
    app.use(express.json());
    routes(app);
    return app;
  }

  it('holds an answer until its task is delivered', async () => {
    const exporter = new SlowExporter();
    const phospho = phosphoFor({ exporter, delivery: { lingerMs: 60_000 } });
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (_req, res) => void res.json(completion)),
    );
    const answer = request(app)
      .post('/chat')
      .send(ASKED)
      .then((response) => response);
    await exporter.asked;
    expect(await hasSettled(answer)).toBe(false);
    exporter.take();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(response.body).toEqual(completion);
    expect(response.headers['x-phospho-task-id']).toBe(exporter.events[0]?.task_id);
    expect(exporter.events).toMatchObject([{ metadata: { outcome: 'complete', streamed: false } }]);
    expect(phospho.stats().events).toMatchObject({ captured: 1, delivered: 1 });
  });

  it('lets the chunks of a stream pass at once, and holds its end alone', async () => {
    const exporter = new SlowExporter();
    const phospho = phosphoFor({ exporter });
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (_req, res) => {
        res.writeHead(200, EVENTS).write(chunkOf('Rain'));
        res.write(chunkOf(' again'));
        res.end(chunkOf(', sorry'));
      }),
    );
    const line = await dial(await listening(createServer(app)));
    line.socket.write(chatRequest());
    await line.said(' again');
    await exporter.asked;
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(line.text()).not.toContain('sorry');
    exporter.take();
    await line.said('sorry');
    await line.said('0\r\n\r\n');
    expect(exporter.events).toMatchObject([
      { output: 'Rain again, sorry', metadata: { outcome: 'complete' } },
    ]);
  });

  it('does not count the wait into the latency', async () => {
    const exporter = new SlowExporter();
    const phospho = phosphoFor({ exporter });
    let endedAfterMs = 0;
    const app = appWith(phospho, (routes) => {
      routes.use((_req, _res, next) => {
        endedAfterMs = performance.now();
        next();
      });
      routes.post('/chat', (_req, res) => {
        res.json(completion);
        endedAfterMs = performance.now() - endedAfterMs;
      });
    });
    const answer = request(app)
      .post('/chat')
      .send(ASKED)
      .then((response) => response);
    await exporter.asked;
    const heldMs = 300;
    await new Promise((resolve) => setTimeout(resolve, heldMs));
    exporter.take();
    await answer;
    const { latency_ms } = exporter.events[0]?.metadata ?? {};
    expect(latency_ms).toBeLessThan(endedAfterMs + heldMs);
  });

  it('holds no other response, whatever is waiting', async () => {
    const exporter = new SlowExporter();
    const phospho = phosphoFor({ exporter });
    const app = appWith(phospho, (routes) => {
      routes.post('/chat', (_req, res) => void res.json(completion));
      routes.post('/skipped', (req, res) => {
        req.phospho?.skip();
        res.json(completion);
      });
      routes.get('/tea', (_req, res) => void res.json({ tea: 2 }));
      routes.get('/page', (_req, res) => void res.send('<p>Tea</p>'));
      routes.get('/nothing', (_req, res) => void res.status(204).end());
    });
    const held = request(app)
      .post('/chat')
      .send(ASKED)
      .then((response) => response);
    await exporter.asked;
    expect((await request(app).get('/tea').expect(200)).body).toEqual({ tea: 2 });
    expect((await request(app).get('/page').expect(200)).text).toBe('<p>Tea</p>');
    await request(app).get('/nothing').expect(204);
    await request(app).get('/missing').expect(404);
    await request(app).post('/skipped').send(ASKED).expect(200);
    expect(await hasSettled(held)).toBe(false);
    exporter.take();
    await held;
  });

  it('sends the answer when the time is up, and the task stays on its way', async () => {
    const exporter = new SlowExporter();
    const phospho = phosphoFor({ exporter });
    const app = appWith(
      phospho,
      (routes) => routes.post('/chat', (_req, res) => void res.json(completion)),
      { flushBeforeEnd: { timeoutMs: 50 } },
    );
    await request(app).post('/chat').send(ASKED).expect(200, completion);
    expect(phospho.stats().events).toMatchObject({ captured: 1, inFlight: 1 });
    exporter.take();
    expect((await phospho.flush()).events.delivered).toBe(1);
  });

  it.each([
    ['off', { flushBeforeEnd: false }, {}],
    ['on, without a key', { flushBeforeEnd: true }, { isConfigured: () => false }],
  ])('%s, holds nothing', async (_kind, options, more) => {
    const exporter = Object.assign(new SlowExporter(), more);
    const phospho = phosphoFor({ exporter });
    const app = appWith(
      phospho,
      (routes) => routes.post('/chat', (_req, res) => void res.json(completion)),
      options,
    );
    const started = performance.now();
    await request(app).post('/chat').send(ASKED).expect(200, completion);
    expect(performance.now() - started).toBeLessThan(1_500);
    exporter.take();
  });

  it('records once, mounted twice', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter });
    const app = appWith(phospho, (routes) => {
      routes.use(phospho.middleware({ flushBeforeEnd: true }));
      routes.post('/chat', (_req, res) => void res.json(completion));
    });
    await request(app).post('/chat').send(ASKED).expect(200, completion);
    expect(exporter.events).toHaveLength(1);
  });

  it('records an error of the app as one, and does not let its handler answer twice', async () => {
    const exporter = new InMemoryExporter();
    const phospho = phosphoFor({ exporter, delivery: { lingerMs: 60_000 } });
    const app = appWith(phospho, (routes) => {
      routes.post('/late', (_req, res) => {
        res.json(completion);
        setImmediate(() => {
          if (!res.headersSent) res.status(500).json({ error: 'late' });
        });
      });
      routes.post('/fails', () => {
        throw new Error('of the app');
      });
      routes.use(((_error, _req, res, _next) => {
        res.status(500).json({ error: 'failed' });
      }) satisfies import('express').ErrorRequestHandler);
    });
    await request(app).post('/late').send(ASKED).expect(200, completion);
    await request(app).post('/fails').send(ASKED).expect(500, { error: 'failed' });
    expect(exporter.events.map(({ metadata }) => metadata?.outcome)).toEqual(['complete', 'error']);
  });
});

/** A server of one handler, whose ends wait for `exporter.take()`. */
async function held(
  handler: (res: ServerResponse) => void,
  create: (listener: RequestListener) => ReturnType<typeof createServer> = (listener) =>
    createServer(listener),
) {
  const exporter = new SlowExporter();
  const phospho = phosphoFor({ exporter });
  const middleware = phospho.middleware({
    flushBeforeEnd: { timeoutMs: 30_000 },
    include: ['/chat'],
  });
  const server = create((req, res) =>
    middleware(req, res, () => void req.resume().once('end', () => handler(res))),
  );
  return { exporter, phospho, server, port: await listening(server) };
}

describe('a held end', () => {
  it('looks ended to the app, and calls back when it has gone out', async () => {
    const seen: unknown[] = [];
    const { exporter, port } = await held((res) => {
      const body = Buffer.from('Rain');
      const called = vi.fn();
      seen.push(res.end(body, () => seen.push('called back')) === res);
      body.fill('x');
      seen.push(res.headersSent, res.writableEnded, res.writableFinished);
      expect(() => res.setHeader('x-late', '1')).toThrow(/after they are sent/);
      res.on('error', (error) => seen.push(error));
      seen.push(res.write('late', called), res.end('later', called) === res);
      seen.push(res.end() === res);
      res.end(() => seen.push('called back again'));
      process.nextTick(() => seen.push(called.mock.calls.map(([error]) => error.code)));
    });
    const line = await dial(port);
    line.socket.write(chatRequest());
    await exporter.asked;
    const refused = ['ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_WRITE_AFTER_END'];
    const first = [true, true, true, false, false, true, true, refused];
    expect(seen).toEqual(first);
    expect(line.text()).toBe('');
    exporter.take();
    await line.said('Rain');
    expect(line.text()).toMatch(/Content-Length: 4\r\n\r\nRain$/);
    await vi.waitFor(() => expect(seen).toEqual([...first, 'called back', 'called back again']));
    expect(exporter.events).toMatchObject([{ output: 'Rain' }]);
  });

  it('of a client who leaves meanwhile is let go: one record, complete', async () => {
    const events: string[] = [];
    const { exporter, phospho, port } = await held((res) => {
      res.on('close', () => events.push('close')).on('error', () => events.push('error'));
      res.end('Rain');
    });
    const line = await dial(port);
    line.socket.write(chatRequest());
    await exporter.asked;
    line.socket.destroy();
    await vi.waitFor(() => expect(events).toEqual(['close']));
    exporter.take();
    const { events: ledger } = await phospho.flush();
    expect(ledger).toMatchObject({ captured: 1, delivered: 1 });
    expect(exporter.events).toMatchObject([{ output: 'Rain', metadata: { outcome: 'complete' } }]);
    expect(events).toEqual(['close']);
  });

  it('of a client who left before is not held', async () => {
    const left = gate();
    const { exporter, phospho, port } = await held(async (res) => {
      res.writeHead(200, EVENTS).write(chunkOf('Rain'));
      await once(res, 'close');
      res.end('late');
      left.open();
    });
    const line = await dial(port);
    line.socket.write(chatRequest());
    await line.said('Rain');
    line.socket.destroy();
    await left.opened;
    exporter.take();
    await phospho.flush();
    expect(exporter.events).toMatchObject([{ metadata: { outcome: 'aborted' } }]);
  });

  it('of an answer to HEAD keeps its head', async () => {
    const { exporter, port } = await held((res) => void res.end('Rain'));
    const line = await dial(port);
    line.socket.write('HEAD /chat HTTP/1.1\r\nHost: x\r\n\r\n');
    await exporter.asked;
    expect(line.text()).toBe('');
    exporter.take();
    await line.said('\r\n\r\n');
    expect(line.text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(line.text()).not.toContain('Rain');
  });

  it('holds back the answer to the next request of its connection, and no more', async () => {
    const { exporter, port } = await held((res) => void res.end('Rain'));
    const line = await dial(port);
    line.socket.write(chatRequest() + chatRequest());
    await exporter.asked;
    expect(line.text()).toBe('');
    exporter.take();
    await vi.waitFor(() => expect(line.text().match(/Rain/g)).toHaveLength(2));
    expect(exporter.events).toHaveLength(2);
  });

  it('is waited for by gracefulShutdown()', async () => {
    const { exporter, phospho, server, port } = await held((res) => void res.end('Rain'));
    const line = await dial(port);
    line.socket.write(chatRequest());
    await exporter.asked;
    const shutdown = phospho.gracefulShutdown(server);
    // Long enough for idle connections to be looked for, more than once.
    await new Promise((resolve) => setTimeout(resolve, 250));
    exporter.take();
    expect((await shutdown).events).toMatchObject({ captured: 1, delivered: 1 });
    await line.closed;
    expect(line.text()).toContain('Rain');
  });

  it('over HTTP/2 comes after everything else', async () => {
    const { exporter, port } = await held(
      (res) => {
        res.writeHead(200, EVENTS);
        res.write(chunkOf('Rain'));
        res.end(chunkOf('again'));
        expect(res.writableEnded).toBe(true);
        expect(res.write('late')).toBe(false);
      },
      (listener) => createHttp2Server(listener as never) as never,
    );
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/chat', ':method': 'GET' });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    await exporter.asked;
    await vi.waitFor(() => expect(text).toBe(chunkOf('Rain')));
    expect(stream.readableEnded).toBe(false);
    exporter.take();
    await once(stream, 'end');
    session.close();
    expect(text).toBe(chunkOf('Rain') + chunkOf('again'));
    expect(exporter.events).toMatchObject([{ metadata: { outcome: 'complete' } }]);
  });

  it.each(['GET', 'HEAD'])('over HTTP/2 answers %s without a body as ever', async (method) => {
    const { exporter, phospho, port } = await held(
      (res) => void res.writeHead(204).end(),
      (listener) => createHttp2Server(listener as never) as never,
    );
    exporter.take();
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    const stream = session.request({ ':path': '/chat', ':method': method });
    const [headers] = await once(stream, 'response');
    expect(headers[':status']).toBe(204);
    stream.resume();
    await once(stream, 'close');
    session.close();
    await vi.waitFor(() => expect(phospho.stats().events.captured).toBe(1));
  });

  it('is none where the app has corked: Node sends what is corked behind the end', async () => {
    const bytes = async (port: number): Promise<string> => {
      const line = await dial(port);
      line.socket.write(chatRequest());
      await line.closed;
      return line.text().replace(/^(Date|X-Phospho-.*): .*\r\n/gm, '');
    };
    const handle = (res: ServerResponse): void => {
      res.writeHead(200, { ...EVENTS, Connection: 'close' }).write(chunkOf('Rain'));
      res.cork();
      res.end(chunkOf(' again'));
      setImmediate(() => res.uncork());
    };
    const { exporter, port } = await held(handle);
    const alone = await listening(createServer((_req, res) => handle(res)));
    const expected = await bytes(alone);
    expect(await bytes(port)).toBe(expected);
    exporter.take();
  });

  it('goes out whole where the app corks what has ended', async () => {
    const { exporter, port } = await held((res) => {
      res.writeHead(200, { ...EVENTS, Connection: 'close' }).write(chunkOf('Rain'));
      res.end(chunkOf(' again'));
      res.cork();
    });
    const line = await dial(port);
    line.socket.write(chatRequest());
    await exporter.asked;
    exporter.take();
    await line.closed;
    expect(line.text()).toMatch(/ again.*\r\n0\r\n\r\n$/s);
  });

  it('does not wait for what is dropped', async () => {
    const { phospho, port } = await held((res) => void res.end('Rain'));
    await phospho.shutdown({ timeoutMs: 0 });
    const line = await dial(port);
    line.socket.write(chatRequest());
    await line.said('Rain');
    expect(phospho.stats().events.dropped).toEqual({ shutdown: 1 });
  });
});
