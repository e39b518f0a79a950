import { once } from 'node:events';
import {
  Agent,
  createServer,
  get,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer, get as getTls } from 'node:https';
import type { Server } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { AppRequest, AppResponse, Phospho } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import { describe, expect, it, vi } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { expectBalanced, phosphoFor, SILENT } from '../helpers/ledger.ts';
import { chatRequest, dial, gate, listening } from '../helpers/servers.ts';

const EVENTS = { 'Content-Type': 'text/event-stream' };
const chunkOf = (content: string): string =>
  `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content } }] })}\n\n`;

function setUp(): { phospho: Phospho; exporter: InMemoryExporter; warnings: string[] } {
  const exporter = new InMemoryExporter();
  const warnings: string[] = [];
  const logger = { ...SILENT, warn: (message: string) => void warnings.push(message) };
  return { phospho: phosphoFor({ exporter, logger }), exporter, warnings };
}

const throwing = () => {
  throw new Error('no');
};

/** How long a promise takes, milliseconds. */
async function timed<T>(promise: Promise<T>): Promise<[result: T, ms: number]> {
  const started = performance.now();
  return [await promise, performance.now() - started];
}

function ask(port: number, options: { agent?: Agent; path?: string } = {}) {
  const asked = request({
    port,
    path: '/chat',
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    ...options,
  });
  asked.end('{"messages":[{"role":"user","content":"Lisbon?"}]}');
  return once(asked, 'response') as Promise<[IncomingMessage]>;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

describe.each(EXPRESS_VERSIONS)('gracefulShutdown() on %s', (_name, express) => {
  it('accepts no more, lets a stream end and delivers its task', async () => {
    const { phospho, exporter } = setUp();
    const app = express();
    app.use(phospho.middleware());
    const rest = gate();
    app.post('/chat', async (_req, res) => {
      res.writeHead(200, EVENTS).write(chunkOf('Rain'));
      await rest.opened;
      res.end(chunkOf(' again'));
    });
    const server = createServer(app);
    const port = await listening(server);
    const [response] = await ask(port);

    const shutdown = phospho.gracefulShutdown(server);
    await expect(ask(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(phospho.stats().events.captured).toBe(0);
    rest.open();
    expect(await textOf(response)).toContain('again');
    const ledger = await shutdown;
    expectBalanced(ledger);
    expect(ledger.events).toMatchObject({ captured: 1, delivered: 1 });
    expect(exporter.events).toMatchObject([
      { output: 'Rain again', metadata: { outcome: 'complete' } },
    ]);
    expect(phospho.log({ input: 'late' }).taskId).toMatch(/^task_/);
  });

  it('cuts off at the deadline what never ends, and delivers it as aborted', async () => {
    const { phospho, exporter } = setUp();
    const app = express();
    app.use(phospho.middleware());
    app.post('/chat', (_req, res) => void res.writeHead(200, EVENTS).write(chunkOf('Rain')));
    const server = createServer(app);
    const port = await listening(server);
    const [response] = await ask(port);
    const cut = expect(textOf(response)).rejects.toMatchObject({ code: 'ECONNRESET' });
    const [ledger, ms] = await timed(phospho.gracefulShutdown(server, { timeoutMs: 300 }));
    expect(ms).toBeGreaterThan(200);
    expect(ms).toBeLessThan(2_000);
    await cut;
    expect(ledger.events).toMatchObject({ captured: 1, delivered: 1 });
    expect(exporter.events).toMatchObject([{ output: 'Rain', metadata: { outcome: 'aborted' } }]);
  });
});

/** A stream that has begun, and ends later. */
function endsAfter(opened: Promise<unknown>) {
  return async (_req: AppRequest, res: AppResponse): Promise<void> => {
    res.writeHead(200, EVENTS).write(chunkOf('Rain'));
    await opened;
    res.end();
  };
}

/** A server that keeps idle connections for far longer than any test takes, behind the middleware. */
function chatServer(
  phospho: Phospho,
  handler: (req: AppRequest, res: AppResponse) => void,
  create: (listener: (req: IncomingMessage, res: ServerResponse) => void) => Server = (listener) =>
    createServer({ keepAliveTimeout: 600_000 }, listener),
): Server {
  const middleware = phospho.middleware();
  return create((req, res) =>
    middleware(req, res, () => void req.resume().once('end', () => handler(req, res))),
  );
}

/** Without a certificate: an anonymous cipher, which only a test may use. */
const TLS = { ciphers: 'AECDH-AES256-SHA:@SECLEVEL=0', maxVersion: 'TLSv1.2' } as const;
const overTls = (listener: (req: IncomingMessage, res: ServerResponse) => void): Server =>
  createTlsServer({ ...TLS, keepAliveTimeout: 600_000 }, listener);

describe('connections', () => {
  it('that are idle, or never sent a request, are closed at once', async () => {
    const { phospho } = setUp();
    const server = chatServer(phospho, (_req, res) => res.end(JSON.stringify(completion)));
    const port = await listening(server);
    const [silent, halfAsked, asked] = [await dial(port), await dial(port), await dial(port)];
    halfAsked.socket.write('POST /chat HTTP/1.1\r\nHost: lo');
    asked.socket.write(chatRequest());
    await asked.said(completion.id);
    const [ledger, ms] = await timed(phospho.gracefulShutdown(server));
    expect(ms).toBeLessThan(5_000);
    expect(ledger.events.delivered).toBe(1);
    await Promise.all([silent.closed, halfAsked.closed, asked.closed]);
  });

  it('with a request under way are closed after its answer, which says so if its head is still to come', async () => {
    const { phospho } = setUp();
    const rest = gate();
    const server = chatServer(phospho, async (req, res) => {
      if (req.url === '/begun') res.writeHead(200, EVENTS).write(chunkOf('one'));
      await rest.opened;
      res.end(chunkOf('two'));
    });
    const port = await listening(server);
    const [begun, silent] = [await dial(port), await dial(port)];
    begun.socket.write(chatRequest('/begun'));
    silent.socket.write(chatRequest('/silent'));
    await begun.said('one');
    const shutdown = phospho.gracefulShutdown(server);
    rest.open();
    const [ledger, ms] = await timed(shutdown);
    expect(ms).toBeLessThan(5_000);
    expect(ledger.events.delivered).toBe(2);
    await Promise.all([begun.closed, silent.closed]);
    expect(begun.text()).toContain('Connection: keep-alive');
    expect(begun.text()).toMatch(/two[\s\S]*0\r\n\r\n$/);
    expect(silent.text()).toContain('Connection: close');
    expect(silent.text()).toContain('two');
  });

  it('over which a request was just coming in answer it, as the last', async () => {
    const { phospho } = setUp();
    const server = chatServer(phospho, (_req, res) => res.end(JSON.stringify(completion)));
    const line = await dial(await listening(server));
    const [start, rest] = [chatRequest().slice(0, 20), chatRequest().slice(20)];
    line.socket.write(start);
    await turn();
    const shutdown = phospho.gracefulShutdown(server);
    line.socket.write(rest);
    const ledger = await shutdown;
    await line.closed;
    expect(line.text()).toContain('Connection: close');
    expect(line.text()).toContain(completion.id);
    expect(ledger.events.delivered).toBe(1);
  });

  it('over which a finished answer is still on its way are not cut off', async () => {
    const { phospho } = setUp();
    const size = 30_000_000;
    const server = createServer((_req, res) => void res.end(Buffer.alloc(size, 'x')));
    const port = await listening(server);
    const asked = get({ port, agent: new Agent({ keepAlive: true }) });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    await turn();
    const shutdown = phospho.gracefulShutdown(server);
    let received = 0;
    for await (const chunk of response) received += chunk.length;
    expect(received).toBe(size);
    await shutdown;
  });

  it('that were upgraded are waited for, but not cut off', async () => {
    const { phospho } = setUp();
    const server = createServer();
    server.on('upgrade', (_req, socket) => socket.write('HTTP/1.1 101 Switching\r\n\r\nopen'));
    const line = await dial(await listening(server));
    line.socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n');
    await line.said('open');
    const [, ms] = await timed(phospho.gracefulShutdown(server, { timeoutMs: 300 }));
    expect(ms).toBeGreaterThan(200);
    expect(ms).toBeLessThan(2_000);
    expect(line.socket.destroyed).toBe(false);
    line.socket.destroy();
  });

  it('that the app upgraded and closes itself hold nothing up', async () => {
    const { phospho } = setUp();
    const server = createServer();
    const upgraded = once(server, 'upgrade');
    const line = await dial(await listening(server));
    line.socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n');
    const [, socket] = await upgraded;
    const shutdown = phospho.gracefulShutdown(server);
    socket.end();
    line.socket.end();
    const [, ms] = await timed(shutdown);
    expect(ms).toBeLessThan(5_000);
  });
});

describe('gracefulShutdown() of a server', () => {
  it('over https lets its requests end and closes idle connections', async () => {
    const { phospho } = setUp();
    const rest = gate();
    const server = chatServer(
      phospho,
      async (_req, res) => {
        res.writeHead(200, EVENTS).write(chunkOf('Rain'));
        await rest.opened;
        res.end();
      },
      overTls,
    );
    const port = await listening(server);
    const asked = getTls({ ...TLS, port, path: '/chat?prompt=rain', rejectUnauthorized: false });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const shutdown = phospho.gracefulShutdown(server);
    rest.open();
    expect(await textOf(response)).toBe(chunkOf('Rain'));
    const [ledger, ms] = await timed(shutdown);
    expect(ms).toBeLessThan(5_000);
    expect(ledger.events.delivered).toBe(1);
  });

  it.each([
    ['http', undefined],
    ['https', overTls],
  ])(
    'over %s delivers, too, what is cut off last, by the client or by us',
    async (kind, create) => {
      for (const leaves of [true, false]) {
        const { phospho, exporter } = setUp();
        const start = (_req: AppRequest, res: AppResponse) =>
          void res.writeHead(200, EVENTS).write(chunkOf('Rain'));
        const server = chatServer(phospho, start, create);
        const where = { port: await listening(server), path: '/chat?prompt=rain' };
        const asked =
          kind === 'http' ? get(where) : getTls({ ...TLS, ...where, rejectUnauthorized: false });
        const [response] = (await once(asked, 'response')) as [IncomingMessage];
        response.on('error', () => {});
        const shutdown = phospho.gracefulShutdown(server, { timeoutMs: leaves ? 10_000 : 50 });
        if (leaves) response.destroy();
        expect((await shutdown).events).toMatchObject({ captured: 1, delivered: 1 });
        expect(exporter.events).toMatchObject([
          { output: 'Rain', metadata: { outcome: 'aborted' } },
        ]);
      }
    },
  );

  it.each(['ends', 'never ends'])('over HTTP/2 with a stream that %s', async (kind) => {
    const { phospho, exporter } = setUp();
    const rest = gate();
    const server = chatServer(
      phospho,
      async (_req, res) => {
        res.writeHead(200, EVENTS).write(chunkOf('Rain'));
        await rest.opened;
        res.end();
      },
      (listener) => createHttp2Server(listener as never),
    );
    const session = connectHttp2(`http://127.0.0.1:${await listening(server)}`);
    session.on('error', () => {});
    const stream = session.request({ ':path': '/chat?prompt=rain', ':method': 'GET' });
    stream.on('error', () => {});
    await once(stream, 'response');
    const goaway = once(session, 'goaway');
    const closed = new Promise((resolve) => session.once('close', resolve));
    const shutdown = phospho.gracefulShutdown(server, { timeoutMs: 1_000 });
    await goaway;
    if (kind === 'ends') rest.open();
    stream.resume();
    const ledger = await shutdown;
    await closed;
    expect(ledger.events).toMatchObject({ captured: 1, delivered: 1 });
    const outcome = kind === 'ends' ? 'complete' : 'aborted';
    expect(exporter.events).toMatchObject([{ output: 'Rain', metadata: { outcome } }]);
  });

  it('that never listened, or is closed already, shuts delivery down', async () => {
    const never = setUp();
    never.phospho.log({ input: 'x' });
    expect((await never.phospho.gracefulShutdown(createServer())).events.delivered).toBe(1);

    const closed = setUp();
    const server = createServer();
    await listening(server);
    await new Promise((resolve) => server.close(resolve));
    closed.phospho.log({ input: 'x' });
    expect((await closed.phospho.gracefulShutdown(server)).events.delivered).toBe(1);
    expect([...never.warnings, ...closed.warnings]).toEqual([]);
  });

  it('that the app closed itself a moment before still waits for its requests', async () => {
    const { phospho } = setUp();
    const rest = gate();
    const server = chatServer(phospho, endsAfter(rest.opened));
    const [response] = await ask(await listening(server));
    server.close();
    const shutdown = phospho.gracefulShutdown(server);
    rest.open();
    await textOf(response);
    expect((await shutdown).events.delivered).toBe(1);
  });

  it('that is about to listen closes it after all', async () => {
    const { phospho } = setUp();
    const server = createServer();
    server.listen({ port: 0, host: 'localhost' });
    const closed = once(server, 'close');
    await phospho.gracefulShutdown(server);
    await closed;
    expect(server.listening).toBe(false);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['an Express app', Object.assign(() => {}, { listen() {} })],
    ['an object whose close alone is a function', { close() {} }],
    ['an object that throws', new Proxy({}, { get: throwing })],
  ])('that is %s says so once, and shuts delivery down', async (_kind, value) => {
    const { phospho, warnings } = setUp();
    phospho.log({ input: 'x' });
    const ledgers = await Promise.all([
      phospho.gracefulShutdown(value as Server),
      phospho.gracefulShutdown(value as Server),
    ]);
    expect(ledgers[0].events.delivered).toBe(1);
    expect(ledgers[1]).toEqual(ledgers[0]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('gracefulShutdown() takes the server that app.listen() returns');
  });

  it.each<[string, () => void]>([
    ['throws', throwing],
    ['does nothing', () => {}],
  ])('whose close() %s resolves in its time', async (_kind, close) => {
    const { phospho } = setUp();
    const server = createServer();
    await listening(server);
    server.close = close as never;
    phospho.log({ input: 'x' });
    const ledger = await phospho.gracefulShutdown(server, { timeoutMs: 100 });
    Reflect.deleteProperty(server, 'close');
    expect(ledger.events.delivered).toBe(1);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
    'takes a timeoutMs of %d and does not throw',
    async (timeoutMs) => {
      const { phospho } = setUp();
      const server = createServer();
      await listening(server);
      expectBalanced(await phospho.gracefulShutdown(server, { timeoutMs }));
      expect(server.listening).toBe(false);
    },
  );
});

describe('gracefulShutdown(), called', () => {
  it('again and again, closes once and answers the same', async () => {
    const { phospho } = setUp();
    const server = createServer();
    const close = vi.spyOn(server, 'close');
    await listening(server);
    phospho.log({ input: 'x' });
    const [one, two] = await Promise.all([
      phospho.gracefulShutdown(server),
      phospho.gracefulShutdown(server, { timeoutMs: 0 }),
    ]);
    expect(two).toEqual(one);
    expect(await phospho.gracefulShutdown(server)).toEqual(one);
    expect(close).toHaveBeenCalledTimes(1);
  });

  it('for two servers, delivers the tasks of both', async () => {
    const { phospho } = setUp();
    const rest = gate();
    const quick = createServer();
    await listening(quick);
    const slow = chatServer(phospho, endsAfter(rest.opened));
    const [response] = await ask(await listening(slow));
    const shutdowns = [phospho.gracefulShutdown(quick), phospho.gracefulShutdown(slow)];
    await once(quick, 'close');
    await turn();
    rest.open();
    await textOf(response);
    for (const { events } of await Promise.all(shutdowns)) {
      expect(events).toMatchObject({ captured: 1, delivered: 1 });
    }
  });

  it('and then shutdown(), stops delivery at once; what settles later is counted', async () => {
    const { phospho } = setUp();
    const rest = gate();
    const server = chatServer(phospho, endsAfter(rest.opened));
    const [response] = await ask(await listening(server));
    const graceful = phospho.gracefulShutdown(server);
    await phospho.shutdown();
    rest.open();
    await textOf(response);
    const ledger = await graceful;
    expectBalanced(ledger);
    expect(ledger.events).toMatchObject({ captured: 1, dropped: { shutdown: 1 } });
  });

  it('does not wait for a server of phospho that hangs longer than its time', async () => {
    const exporter = { export: () => new Promise<never>(() => {}), flag: async () => {} };
    const phospho = phosphoFor({ exporter });
    const server = createServer();
    await listening(server);
    phospho.log({ input: 'x' });
    const [ledger, ms] = await timed(phospho.gracefulShutdown(server, { timeoutMs: 500 }));
    expect(ms).toBeLessThan(3_000);
    expect(ledger.events).toMatchObject({ captured: 1, dropped: { shutdown: 1 } });
  });
});
