import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { LogEvent, Middleware, Phospho } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { SILENT } from '../helpers/ledger.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = { messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };
const JSON_TYPE = { 'Content-Type': 'application/json' };
const MiB = 1024 * 1024;

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const behind =
  (middleware: Middleware, handler: RequestListener): RequestListener =>
  (req, res) =>
    middleware(req, res, () => handler(req, res));

/** For handlers that answer when they have the body, as they all do that need it. */
const whenRead =
  (handler: RequestListener): RequestListener =>
  (req, res) =>
    void once(req.resume(), 'end').then(() => handler(req, res));

/** A POST as it goes over the wire, `rest` bytes of whose body are still to come. */
function post(body: string, { rest = 0, connection = 'keep-alive' } = {}): string {
  const lines = [
    'POST /chat HTTP/1.1',
    'Host: localhost',
    `Connection: ${connection}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body) + rest}`,
  ];
  return [...lines, '', body].join('\r\n');
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** A flush waits for no late answer: what a client has left is recorded as it is. */
async function untilCaptured(phospho: Phospho, count: number): Promise<void> {
  while ((await phospho.flush()).events.captured < count) await turn();
}

/** Polls, for what happens in another part of the process, at its own time. */
async function until(check: () => boolean): Promise<void> {
  while (!check()) await turn();
}

describe('memory for bodies under way is given back', () => {
  const big = JSON.stringify('x'.repeat(6 * MiB));

  /** The budget is 64 MiB: what leaks 6 MiB a time leaves nothing after a dozen. */
  async function expectRoom(phospho: Phospho, events: () => Promise<LogEvent[]>): Promise<void> {
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (_req, res) => void res.writeHead(200, JSON_TYPE).end(big)),
      ),
    );
    await request(`http://127.0.0.1:${port}`).post('/').send(ASKED);
    expect((await events()).at(-1)?.metadata).not.toHaveProperty('response_cut');
  }

  it('after late answers to clients who have left', async () => {
    const { phospho, events } = testPhospho();
    let answered = 0;
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (_req, res) => {
          res.once('close', () => {
            res.writeHead(200, JSON_TYPE).end(big);
            answered += 1;
          });
          res.socket?.destroy();
        }),
      ),
    );
    for (let i = 0; i < 12; i++) (await dial(port)).write(post(JSON.stringify(ASKED)));
    await until(() => answered === 12);
    await expectRoom(phospho, events);
  });

  it('without a key, when nothing is recorded', async () => {
    const exporter = Object.assign(new InMemoryExporter(), { isConfigured: () => false });
    const { phospho } = testPhospho({ exporter, logLevel: 'silent' });
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (_req, res) => void res.writeHead(200, JSON_TYPE).end(big)),
      ),
    );
    for (let i = 0; i < 12; i++) await request(`http://127.0.0.1:${port}`).post('/').send(ASKED);
    const keyed = testPhospho();
    await expectRoom(keyed.phospho, keyed.events);
  });

  it('after uploads that go on when they have been answered', async () => {
    const { phospho, events } = testPhospho();
    let read = 0;
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (req, res) => {
          req.on('data', () => {});
          req.on('end', () => {
            read += 1;
          });
          res.end('answered');
        }),
      ),
    );
    for (let i = 0; i < 12; i++) {
      const socket = await dial(port);
      socket.write(post('{"x": ', { rest: big.length }));
      await once(socket, 'data');
      socket.end(big);
    }
    await until(() => read === 12);
    await expectRoom(phospho, events);
  });

  it('where a response waits behind another, and the connection closes', async () => {
    const { phospho, events } = testPhospho();
    let handled = 0;
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (_req, res) => {
          handled += 1;
          // The first of each connection is never answered.
          if (handled % 2 === 0) res.writeHead(200, JSON_TYPE).end(big);
        }),
      ),
    );
    for (let i = 1; i <= 12; i++) {
      const socket = await dial(port);
      socket.write(post(JSON.stringify(ASKED)) + post(JSON.stringify(ASKED)));
      await until(() => handled === 2 * i);
      socket.destroy();
    }
    await untilCaptured(phospho, 24);
    expect((await events()).map(({ metadata }) => metadata?.outcome)).toEqual(
      Array(24).fill('aborted'),
    );
    await expectRoom(phospho, events);
  });

  it('after skip(), at any time', async () => {
    const { phospho, events } = testPhospho();
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (req, res) => {
          res.writeHead(200, JSON_TYPE);
          res.write(big);
          (req as { phospho?: { skip(): void } }).phospho?.skip();
          res.end(' ');
        }),
      ),
    );
    for (let i = 0; i < 12; i++) await request(`http://127.0.0.1:${port}`).post('/').send(ASKED);
    expect(await events()).toEqual([]);
    await expectRoom(phospho, events);
  });
});

describe('one record or none', () => {
  it('for a client that leaves before the head', async () => {
    const { phospho, events } = testPhospho();
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (_req, res) => void setImmediate(() => res.socket?.destroy())),
      ),
    );
    (await dial(port)).write(post(JSON.stringify(ASKED)));
    await untilCaptured(phospho, 1);
    expect(await events()).toMatchObject([{ output: null, metadata: { outcome: 'aborted' } }]);
  });

  it('for a socket that the app takes over', async () => {
    const { phospho, events } = testPhospho();
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (req, res) => {
          res.detachSocket(req.socket);
          req.socket.end('bye');
        }),
      ),
    );
    const socket = await dial(port);
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(socket.resume(), 'close');
    expect(await events()).toEqual([]);
  });

  it('for each of many requests pipelined on one connection, without a warning about leaks', async () => {
    const { phospho, events } = testPhospho();
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    const port = await listen(
      createServer(
        behind(
          phospho.middleware(),
          (_req, res) =>
            void setImmediate(() => res.writeHead(200, JSON_TYPE).end('{"content":"a"}')),
        ),
      ),
    );
    const socket = await dial(port);
    const one = JSON.stringify(ASKED);
    socket.write(post(one).repeat(19) + post(one, { connection: 'close' }));
    await once(socket.resume(), 'close');
    expect(await events()).toHaveLength(20);
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('where two Phosphos are mounted: the outer one has it', async () => {
    const [outer, inner] = [testPhospho(), testPhospho()];
    const port = await listen(
      createServer(
        behind(
          outer.phospho.middleware(),
          behind(
            inner.phospho.middleware(),
            whenRead((_req, res) => void res.writeHead(200, JSON_TYPE).end('{"content":"a"}')),
          ),
        ),
      ),
    );
    const { headers } = await request(`http://127.0.0.1:${port}`).post('/').send(ASKED);
    expect(await outer.events()).toMatchObject([{ task_id: headers['x-phospho-task-id'] }]);
    expect(await inner.events()).toEqual([]);
  });

  it('over HTTP/2, each chunk once', async () => {
    const { phospho, events } = testPhospho();
    const middleware = phospho.middleware();
    const server = createHttp2Server((req, res) =>
      middleware(req as never, res as never, async () => {
        await once(req.resume(), 'end');
        res.writeHead(200, { 'content-type': 'text/event-stream' });
        res.write('data: {"content":"Take "}\n\n');
        res.end('data: {"content":"an umbrella"}\n\n');
      }),
    );
    const client = connectHttp2(`http://127.0.0.1:${await listen(server)}`);
    const stream = client.request({ ':method': 'POST', 'content-type': 'application/json' });
    stream.end(JSON.stringify(ASKED));
    const [headers] = await once(stream, 'response');
    await once(stream.resume(), 'close');
    client.close();
    expect(await events()).toMatchObject([
      {
        task_id: headers['x-phospho-task-id'],
        input: 'Lisbon in the rain?',
        output: 'Take an umbrella',
        metadata: { outcome: 'complete' },
      },
    ]);
  });
});

describe('nothing outlives its request', () => {
  it('not the request, in a timer that the handler leaves behind', async () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const { phospho } = testPhospho();
    const seen: WeakRef<object>[] = [];
    const timers: NodeJS.Timeout[] = [];
    const port = await listen(
      createServer(
        behind(phospho.middleware(), (req, res) => {
          seen.push(new WeakRef(req), new WeakRef(res));
          timers.push(setInterval(() => {}, 60_000));
          res.writeHead(200, { ...JSON_TYPE, Connection: 'close' }).end('{}');
        }),
      ),
    );
    for (const body of [ASKED, { tea: 2 }])
      await request(`http://127.0.0.1:${port}`).post('/').send(body);
    await phospho.flush();
    for (let i = 0; i < 20 && seen.some((ref) => ref.deref()); i++) {
      await turn();
      collect();
    }
    expect(seen.map((ref) => ref.deref())).toEqual([undefined, undefined, undefined, undefined]);
    for (const timer of timers) clearInterval(timer);
  });

  it("not the app's own context, in our delivery", async () => {
    const contexts = new AsyncLocalStorage<string>();
    const found: unknown[] = [];
    class Exporter extends InMemoryExporter {
      override async export(batch: Parameters<InMemoryExporter['export']>[0]) {
        found.push(contexts.getStore());
        return super.export(batch);
      }
    }
    const { phospho } = testPhospho({ exporter: new Exporter(), delivery: { lingerMs: 5 } });
    const port = await listen(
      createServer((req, res) =>
        contexts.run('of this request', () =>
          behind(phospho.middleware(), (_req, res) => void res.writeHead(200, JSON_TYPE).end('{}'))(
            req,
            res,
          ),
        ),
      ),
    );
    await request(`http://127.0.0.1:${port}`).post('/').send(ASKED);
    await until(() => found.length > 0);
    expect(found).toEqual([undefined]);
  });
});

describe.each(EXPRESS_VERSIONS)('bodies on %s', (_name, express) => {
  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('reads an answer in %s', async (encoding, compress) => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.post('/', (_req, res) => {
      const bytes = compress(JSON.stringify(completion));
      res.set({ ...JSON_TYPE, 'Content-Encoding': encoding });
      res.write(bytes.subarray(0, 20));
      res.end(bytes.subarray(20));
    });
    await request(app).post('/').send(ASKED).responseType('blob');
    expect(await events()).toMatchObject([{ output: 'Lisbon is lovely, rain or shine.' }]);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
  ])('keeps what it can of an answer in %s that breaks off', async (encoding, compress) => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    const text = Array.from({ length: 30_000 }, (_, i) => `word ${i * 7919}`).join(' ');
    app.post('/', (_req, res) => {
      const bytes = compress(text);
      res.set({ 'Content-Type': 'text/plain', 'Content-Encoding': encoding });
      res.write(bytes.subarray(0, bytes.length >> 1), () => res.destroy());
    });
    await request(app)
      .post('/')
      .send(ASKED)
      .catch(() => {});
    const [event] = await events();
    expect(event?.output).toMatch(/^word 0 word 7919 /);
    expect(event?.metadata?.outcome).toBe('aborted');
  });

  it('has no output for an encoding that it does not know, and survives its name', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.post('/:coding', (req, res) => {
      res.set({ ...JSON_TYPE, 'Content-Encoding': String(req.params.coding) }).end('???');
    });
    for (const coding of ['zstd', 'constructor', '__proto__', 'gzip']) {
      await request(app)
        .post(`/${coding}`)
        .send(ASKED)
        .responseType('blob')
        .catch(() => {});
    }
    expect((await events()).map(({ output }) => output)).toEqual([null, null, null, null]);
  });

  it.each(['gzip', undefined])('records a request in %s as it arrived', async (encoding) => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.use(express.json());
    app.post('/', (req, res) => {
      req.body.messages.push({ role: 'assistant', content: 'pushed later' });
      res.json({ content: 'a' });
    });
    const text = JSON.stringify(ASKED);
    const port = await listen(createServer(app));
    await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { ...JSON_TYPE, ...(encoding ? { 'Content-Encoding': encoding } : {}) },
      body: encoding ? gzipSync(text) : text,
    });
    expect(await events()).toMatchObject([{ input: 'Lisbon in the rain?', raw_input: ASKED }]);
  });

  it.each([
    ['raw', 'before'],
    ['raw', 'after'],
    ['text', 'before'],
    ['text', 'after'],
  ] as const)(
    'recognises a chat that express.%s() has read, mounted %s us',
    async (parser, place) => {
      const { phospho, events } = testPhospho();
      const app = express();
      const parse = express[parser]({ type: '*/*' });
      if (place === 'before') app.use(parse);
      app.use(phospho.middleware());
      if (place === 'after') app.use(parse);
      app.post('/', (_req, res) => void res.json({ content: 'a' }));
      await request(app).post('/').send(ASKED);
      expect(await events()).toMatchObject([{ input: 'Lisbon in the rain?', output: 'a' }]);
    },
  );

  it('records nothing of bodies that are null, a list, a string or not JSON at all', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.use(express.json({ strict: false }));
    app.post('/', (_req, res) => void res.json({ content: 'a' }));
    app.use(
      ((_error, _req, res, _next) =>
        void res.status(400).end()) satisfies import('express').ErrorRequestHandler,
    );
    for (const body of [
      'null',
      '[{"role":"user"}]',
      '"messages"',
      '{"messages":[',
      '{"__proto__":{"messages":[]}}',
    ]) {
      await request(app).post('/').set(JSON_TYPE).send(body);
    }
    expect(await events()).toEqual([]);
    expect({}).not.toHaveProperty('messages');
  });

  it('records a body nested a hundred thousand deep', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.use(express.json({ limit: MiB }));
    const deep = '['.repeat(1e5) + ']'.repeat(1e5);
    app.post('/', (_req, res) => void res.set(JSON_TYPE).send(`{"content":"a","deep":${deep}}`));
    await request(app)
      .post('/')
      .set(JSON_TYPE)
      .send(`{"messages":[{"role":"user","content":"hi"}],"deep":${deep}}`);
    expect(await events()).toMatchObject([{ input: 'hi', output: 'a' }]);
  });

  it('reads an answer that names no type, as JSON or as text', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.post('/json', (_req, res) => void res.end('{"content":"from JSON"}'));
    app.post('/text', (_req, res) => {
      res.write('from ');
      res.end('text');
    });
    await request(app).post('/json').send(ASKED);
    await request(app).post('/text').send(ASKED);
    expect(await events()).toMatchObject([{ output: 'from JSON' }, { output: 'from text' }]);
  });

  it('takes a streamed page or export for none of its business', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.get('/:type', (req, res) => {
      res.set('Content-Type', `text/${req.params.type}`);
      res.write('a,b');
      res.end();
    });
    for (const type of ['html', 'csv', 'plain']) await request(app).get(`/${type}?query=tea`);
    expect(await events()).toMatchObject([{ input: 'tea', metadata: { route: '/:type' } }]);
  });

  it('keeps whole bodies of exact shapes and included paths alone', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware({ include: ['/included'] }));
    app.use(express.json());
    app.post('/stream', (_req, res) => {
      res.set('Content-Type', 'text/event-stream').end('data: {"text":"a","secret":1}\n\n');
    });
    app.post('/included', (_req, res) => void res.json({ answer: 'a', other: 2 }));
    const body = { question: 'why?', password: 'hunter2' };
    await request(app).post('/stream').send(body);
    await request(app).post('/included').send(body);
    const [streamed, included] = await events();
    expect(streamed).toMatchObject({ input: 'why?', output: 'a' });
    expect(JSON.stringify(streamed)).not.toMatch(/hunter2|secret/);
    expect(included).toMatchObject({ raw_input: body, raw_output: { answer: 'a', other: 2 } });
  });

  it.each([42, 'bare', [1, { a: 2 }], null, true, { a: { b: 1 } }])(
    'gives the JSON answer %j as text that a person can read',
    async (answer) => {
      const { phospho, events } = testPhospho();
      const app = express();
      app.use(phospho.middleware());
      app.post('/', (_req, res) => void res.json(answer));
      await request(app).post('/').send(ASKED);
      const [event] = await events();
      expect(event?.output).toBe(typeof answer === 'string' ? answer : JSON.stringify(answer));
    },
  );
});

describe.each(EXPRESS_VERSIONS)('what the app gets wrong on %s', (_name, express) => {
  it('has the status of the head that was sent, where Node refused one before', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.use(express.json());
    app.post('/', (_req, res) => {
      res.setHeader('Access-Control-Expose-Headers', 'X-Mine');
      res.writeHead(99);
    });
    app.use(
      ((_error, _req, res, _next) =>
        void res
          .status(502)
          .json({ error: 'bad' })) satisfies import('express').ErrorRequestHandler,
    );
    const { headers } = await request(app).post('/').set('Origin', 'https://a.example').send(ASKED);
    expect(headers['access-control-expose-headers']).toBe(
      'X-Mine, X-Phospho-Task-Id, X-Phospho-Feedback-Token',
    );
    expect(await events()).toMatchObject([{ metadata: { status: 502, error: 'bad' } }]);
  });

  it('records once, with what it has, where lookups throw or answer promises', async () => {
    const { phospho, events } = testPhospho({ logLevel: 'silent' });
    const app = express();
    const fail = (): never => {
      throw new Error('a getter of the app');
    };
    app.use((req, _res, next) => {
      for (const name of ['user', 'auth', 'session', 'sessionID', 'query', 'body']) {
        Object.defineProperty(req, name, { get: fail, set: () => {}, configurable: true });
      }
      next();
    });
    const late = (async () => fail()) as never;
    app.use(phospho.middleware({ sessionId: late, userId: late, metadata: late, include: late }));
    app.post('/', (req, res) => {
      req.phospho?.set(null as never);
      req.phospho?.set(Object.defineProperty({}, 'input', { get: fail, enumerable: true }));
      res.json({ content: 'fine' });
    });
    app.get('/', (_req, res) => void res.json({ content: 'not asked for' }));
    await request(app).post('/').set('X-Session-Id', 's').set(JSON_TYPE).send(ASKED).expect(200);
    await request(app).get('/').expect(200);
    expect(await events()).toMatchObject([{ output: 'fine', session_id: 's' }]);
  });

  it('records nothing of an excluded path, however a client writes it', async () => {
    const { phospho, events } = testPhospho({ logLevel: 'silent' });
    const app = express();
    app.use(phospho.middleware({ exclude: ['/private/chat', '/secret/*'] }));
    app.post(['/private/chat', '/secret/x'], (_req, res) => void res.json({ content: 'p' }));
    const port = await listen(createServer(app));
    const ask = async (target: string): Promise<void> => {
      const socket = await dial(port);
      const text = post(JSON.stringify(ASKED), { connection: 'close' });
      socket.write(text.replace('POST /chat', `POST ${target}`));
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/^HTTP\/1.1 200/);
    };
    for (const path of [
      '/private/chat',
      '/Private/chat/?a',
      '/SECRET/x',
      'http://h/private/chat',
    ]) {
      await ask(path);
    }
    expect(await events()).toEqual([]);
  });

  it('records nothing where exclude itself fails', async () => {
    const warn = vi.fn();
    const { phospho, events } = testPhospho({ logger: { ...SILENT, warn, error: warn } });
    const app = express();
    const exclude = (): never => {
      throw new Error('of the app');
    };
    app.use(phospho.middleware({ exclude }));
    app.post('/', (_req, res) => void res.json({ content: 'p' }));
    await request(app).post('/').send(ASKED).expect(200);
    expect(await events()).toEqual([]);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('the option exclude'));
  });
});
