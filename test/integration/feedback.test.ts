import { once } from 'node:events';
import { createServer, request as httpRequest, type RequestListener } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Phospho, PhosphoOptions, RouterOptions } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createFeedbackRouter } from '../../src/express/feedback-router.ts';
import { GuardedLogger } from '../../src/internal/logger.ts';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { phosphoFor, SECRET } from '../helpers/ledger.ts';

type MakeApp = (phospho: Phospho, options?: RouterOptions) => RequestListener;

const servers: [string, MakeApp][] = EXPRESS_VERSIONS.flatMap(([name, express]) => {
  const make =
    (order: 'before' | 'after'): MakeApp =>
    (phospho, options) => {
      const app = express();
      if (order === 'after') app.use(express.json({ limit: '100kb' }));
      app.use(phospho.router(options));
      if (order === 'before') app.use(express.json());
      app.use((req, res) => void res.status(299).json({ passed: req.method, body: req.body }));
      return app;
    };
  return [
    [`${name}, before parsers`, make('before')],
    [`${name}, after express.json()`, make('after')],
  ] as [string, MakeApp][];
});
servers.push([
  'node:http',
  (phospho, options) => {
    const router = phospho.router(options);
    return (req, res) =>
      router(req, res, () => {
        res.statusCode = 299;
        res.setHeader('content-type', 'application/json');
        res.end(JSON.stringify({ passed: req.method }));
      });
  },
]);

function setUp(
  make: MakeApp,
  feedback: PhosphoOptions['feedback'] = {},
  more: PhosphoOptions = {},
) {
  const exporter = new InMemoryExporter();
  const error = vi.fn();
  const logger = { debug() {}, info() {}, warn: error, error };
  const phospho = phosphoFor({
    exporter,
    logger,
    feedback: { secret: SECRET, ...feedback },
    ...more,
  });
  const app = make(phospho);
  const send = (body: object | string, type = 'application/json') =>
    request(app)
      .post('/phospho/flag')
      .set('content-type', type)
      .send(typeof body === 'string' ? body : JSON.stringify(body));
  const token = (taskId = 't1') => phospho.feedbackToken(taskId);
  const flags = async () => {
    await phospho.flush();
    return exporter.flags;
  };
  return { phospho, exporter, app, send, token, flags, error };
}

describe.each(servers)('POST /phospho/flag on %s', (name, make) => {
  const isAfterJson = name.includes('after');

  it('takes a flag with a token, and nobody may store the answer', async () => {
    const { send, token, flags } = setUp(make);
    const answer = await send({ task_id: 't1', token: token(), flag: 'success', notes: 'spot on' });
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({ task_id: 't1', flag: 'success' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(await flags()).toEqual([
      { taskId: 't1', flag: 'success', source: 'user', notes: 'spot on' },
    ]);
  });

  it('takes camelCase, a raw flag, and no task id where the token tells it', async () => {
    const { send, token, flags } = setUp(make);
    await send({ taskId: 't1', token: token(), rawFlag: '👍🏽' }).expect(202);
    await send({ token: token('t2'), raw_flag: -1 }).expect(202);
    expect(await flags()).toMatchObject([
      { taskId: 't1', flag: 'success' },
      { taskId: 't2', flag: 'failure' },
    ]);
  });

  it('takes a beacon: JSON as text/plain', async () => {
    const { send, token, flags } = setUp(make);
    const body = { token: token(), flag: 'failure' };
    const answer = await send(body, 'text/plain;charset=UTF-8');
    expect(answer.body).toEqual({ task_id: 't1', flag: 'failure' });
    expect(await flags()).toHaveLength(1);
  });

  it.each<[number, string, (token: string) => object | string]>([
    [400, 'invalid_body', () => '[]'],
    [400, 'invalid_body', () => '[{"flag":"success"}]'],
    [400, 'invalid_body', (token) => ({ token, flag: 'success', notes: ['a'] })],
    [400, 'invalid_body', (token) => ({ token, flag: 'success', notes: 'x'.repeat(2_001) })],
    [400, 'invalid_body', (token) => ({ token, flag: 'success', task_id: 7 })],
    [400, 'invalid_body', (token) => ({ token, flag: 'success', task_id: 'x'.repeat(513) })],
    [400, 'invalid_body', (token) => `{"token":"${token}","flag":"success","task_id":"\\ud800"}`],
    [400, 'invalid_flag', (token) => ({ token })],
    [400, 'invalid_flag', (token) => ({ token, flag: 'good' })],
    [400, 'invalid_flag', (token) => ({ token, flag: true })],
    [400, 'invalid_flag', (token) => ({ token, raw_flag: 'maybe' })],
    [400, 'invalid_flag', (token) => ({ token, raw_flag: { up: true } })],
    [400, 'invalid_flag', (token) => ({ token, raw_flag: [1] })],
    [400, 'invalid_flag', (token) => `{"token":"${token}","__proto__":{"flag":"success"}}`],
    [401, 'token_missing', () => ({ task_id: 't1', flag: 'success' })],
    [401, 'token_missing', () => ({ task_id: 't1', flag: 'success', token: '' })],
    [401, 'token_invalid', () => ({ flag: 'success', token: 'v1.a.b.c.d' })],
    [401, 'token_invalid', (token) => ({ flag: 'success', token: `${token}x` })],
    [403, 'task_mismatch', (token) => ({ flag: 'success', token, task_id: 't2' })],
  ])('answers %i %s', async (status, code, body) => {
    const { send, token, flags } = setUp(make);
    const answer = await send(body(token()));
    expect(answer.body).toEqual({ error: { code, message: expect.any(String) } });
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await flags()).toEqual([]);
    expect(({} as { flag?: unknown }).flag).toBeUndefined();
  });

  it.skipIf(isAfterJson).each(['{', '', 'flag=success', '\0', '{"flag":"success"'])(
    'answers 400 invalid_json to %j',
    async (text) => {
      const { send } = setUp(make);
      const answer = await send(text).expect(400);
      expect(answer.body.error.code).toBe('invalid_json');
    },
  );

  it('answers 400 invalid_json to a beacon that is none', async () => {
    const { send } = setUp(make);
    const answer = await send('flag=success', 'text/plain').expect(400);
    expect(answer.body.error.code).toBe('invalid_json');
  });

  it('answers 401 token_expired to a token whose time is over', async () => {
    const { phospho, send } = setUp(make);
    const token = phospho.feedbackToken('t1', { expiresInMs: 1_000 });
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2_000);
    const answer = await send({ token, flag: 'success' });
    vi.restoreAllMocks();
    expect(answer.status).toBe(401);
    expect(answer.body.error.code).toBe('token_expired');
  });

  it('answers 405 to other methods, naming the right one; no effect on GET', async () => {
    const { app, flags, token } = setUp(make);
    for (const method of ['get', 'put', 'delete', 'patch'] as const) {
      const answer = await request(app)[method](`/phospho/flag?token=${token()}&flag=success`);
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('POST');
      expect(answer.body.error.code).toBe('method_not_allowed');
    }
    expect(await flags()).toEqual([]);
  });

  it('answers 413 to a body of more than 8 KiB, announced or not', async () => {
    const { app, send, flags, token } = setUp(make);
    const body = JSON.stringify({ token: token(), flag: 'success', more: 'x'.repeat(8_200) });
    const answer = await send(body);
    expect(answer.status).toBe(413);
    expect(answer.body.error.code).toBe('too_large');
    if (!isAfterJson) {
      const server = createServer(app).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const headers = { 'content-type': 'application/json' };
      const sending = httpRequest({ port, path: '/phospho/flag', method: 'POST', headers });
      sending.write(body);
      sending.end();
      const [response] = await once(sending, 'response');
      expect(response.statusCode).toBe(413);
      response.resume();
      server.close();
    }
    expect(await flags()).toEqual([]);
  });

  it('answers 415 to forms, to no type, and to what is compressed', async () => {
    const { app, send } = setUp(make);
    for (const type of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/html']) {
      const answer = await send('{"flag":"success"}', type);
      expect(answer.status).toBe(415);
      expect(answer.body.error.code).toBe('unsupported_type');
    }
    const answer = await request(app).post('/phospho/flag');
    expect(answer.status).toBe(415);
    const packed = await request(app)
      .post('/phospho/flag')
      .set('content-type', 'text/plain')
      .set('content-encoding', 'gzip')
      .send('{}');
    expect(packed.status).toBe(415);
  });

  it('answers 429 with Retry-After from the thirty-first flag by one token in a minute', async () => {
    const { send, token } = setUp(make);
    const mine = token();
    for (let n = 0; n < 30; n++) await send({ token: mine, flag: 'success' }).expect(202);
    const answer = await send({ token: mine, flag: 'success' });
    expect(answer.status).toBe(429);
    expect(answer.body.error.code).toBe('too_many_requests');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    await send({ token: token('t2'), flag: 'success' }).expect(202);
  });

  it('answers 503 not_configured without an API key', async () => {
    vi.stubEnv('PHOSPHO_API_KEY', '');
    const phospho = phosphoFor({ apiKey: '', feedback: { secret: SECRET } });
    const answer = await request(make(phospho))
      .post('/phospho/flag')
      .send({ token: phospho.feedbackToken('t1'), flag: 'success' });
    vi.unstubAllEnvs();
    expect(answer.status).toBe(503);
    expect(answer.body.error.code).toBe('not_configured');
  });

  it('answers 403 origin to pages that are not on the list, and lets others pass', async () => {
    const { send, token } = setUp(make, { origins: ['https://app.example.com'] });
    const body = { token: token(), flag: 'success' };
    await send(body).set('origin', 'https://app.example.com').expect(202);
    await send(body).expect(202);
    const answer = await send(body).set('origin', 'https://evil.example');
    expect(answer.status).toBe(403);
    expect(answer.body.error.code).toBe('origin');
  });

  it('passes preflights, other paths and other methods elsewhere on, untouched', async () => {
    const { app } = setUp(make);
    await request(app).options('/phospho/flag').expect(299);
    for (const path of ['/', '/phospho', '/phospho/flags', '/phospho/flag/x', '/PHOSPHO/flag']) {
      const answer = await request(app).post(path).send({ flag: 'success' }).expect(299);
      if (!name.includes('http')) expect(answer.body.body).toEqual({ flag: 'success' });
      expect(answer.headers['cache-control']).toBeUndefined();
    }
  });

  it('takes a trailing slash and a query, and a path of its own', async () => {
    const { phospho, send, app, token } = setUp(make);
    expect(send).toBeDefined();
    const body = { token: token(), flag: 'success' };
    await request(app).post('/phospho/flag/?from=widget').send(body).expect(202);
    const elsewhere = make(phospho, { path: '/feedback/' });
    await request(elsewhere).post('/feedback/flag').send(body).expect(202);
    await request(elsewhere).post('/phospho/flag').send(body).expect(299);
  });

  it('with authorize the app decides, and tokens do not count', async () => {
    const authorize = vi.fn(
      async (_req: unknown, { taskId }: { taskId: string }) => taskId === 't1',
    );
    const { send, token, flags } = setUp(make, { authorize });
    await send({ task_id: 't1', flag: 'success', notes: 'a\u202eb' }).expect(202);
    expect(authorize.mock.calls[0]?.[1]).toEqual({ taskId: 't1', flag: 'success', notes: 'ab' });
    const answer = await send({ task_id: 't2', token: token('t2'), flag: 'success' });
    expect(answer.status).toBe(403);
    expect(answer.body.error.code).toBe('unauthorized');
    await send({ flag: 'success' }).expect(400);
    expect(await flags()).toHaveLength(1);
  });

  it.each<[string, () => never | Promise<never> | boolean]>([
    [
      'throws',
      () => {
        throw new Error('no session');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no session'))],
    ['answers something truthy that is not true', () => 1 as unknown as boolean],
  ])('an authorize that %s means no: 403, and said at most once', async (_, authorize) => {
    const { send, flags, error } = setUp(make, { authorize });
    for (let n = 0; n < 2; n++) {
      const answer = await send({ task_id: 't1', flag: 'success' });
      expect(answer.status).toBe(403);
      expect(answer.body.error.code).toBe('unauthorized');
    }
    expect(await flags()).toEqual([]);
    expect(error.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it('bare ids only if opted in, and only of tasks that this process issued', async () => {
    const { phospho, send, flags } = setUp(make, { acceptBareIds: true });
    phospho.log({ input: 'x', taskId: 'mine' });
    await send({ task_id: 'mine', flag: 'success' }).expect(202);
    const answer = await send({ task_id: 'guessed', flag: 'success' });
    expect(answer.status).toBe(404);
    expect(answer.body.error.code).toBe('unknown_task');
    await send({ task_id: 'mine', token: 'forged', flag: 'success' }).expect(401);
    await send({ flag: 'success' }).expect(400);
    expect(await flags()).toHaveLength(1);
  });

  it('notes arrive without control and bidi characters, and masked', async () => {
    const { send, token, flags } = setUp(make, {}, { mask: (text) => text.replaceAll('Ada', '*') });
    const key = 'sk-0123456789abcdefghij';
    const notes = `Ada\0 said:\r\n\u001b[31m"no"\u202e \u2066${key}`;
    await send({ token: token(), flag: 'failure', notes }).expect(202);
    const [flag] = await flags();
    expect(flag?.notes).toBe('* said:\n[31m"no" [credential]');
  });

  it('notes stay here if the mask fails; the flag goes', async () => {
    const { send, token, flags } = setUp(
      make,
      {},
      {
        mask: () => {
          throw new Error('mask');
        },
      },
    );
    await send({ token: token(), flag: 'failure', notes: 'secret' }).expect(202);
    expect(await flags()).toMatchObject([{ flag: 'failure', notes: undefined }]);
  });

  it('says nothing on the console of its own accord', async () => {
    const spies = (['log', 'warn', 'error', 'info', 'debug'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation(() => {}),
    );
    const { send, token } = setUp(make);
    await send({ token: token(), flag: 'success' })
      .set('x-forwarded-for', '1.2.3.4')
      .set('forwarded', 'for=1.2.3.4')
      .expect(202);
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});

describe('bodies that never end well', () => {
  async function listen(app: RequestListener) {
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  it.each(servers)('a client that leaves half-way harms nothing, on %s', async (_, make) => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled).on('uncaughtException', unhandled);
    const { app, error, flags } = setUp(make);
    const port = await listen(app);
    for (const part of ['', '{"flag":', '{"flag":"success"']) {
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST /phospho/flag HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n${part}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      socket.resetAndDestroy();
    }
    await new Promise((resolve) => setTimeout(resolve, 30));
    process.off('unhandledRejection', unhandled).off('uncaughtException', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect(error).not.toHaveBeenCalled();
    expect(await flags()).toEqual([]);
  });

  it.each(servers)('a slow body is waited for, on %s', async (_, make) => {
    const { app, token, flags } = setUp(make);
    const port = await listen(app);
    const body = JSON.stringify({ token: token(), flag: 'success', notes: 'späßig' });
    const sending = httpRequest({
      port,
      path: '/phospho/flag',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    const bytes = Buffer.from(body);
    for (let at = 0; at < bytes.length; at += 40) {
      sending.write(bytes.subarray(at, at + 40));
      await new Promise((resolve) => setImmediate(resolve));
    }
    sending.end();
    const [response] = await once(sending, 'response');
    expect(response.statusCode).toBe(202);
    response.resume();
    expect(await flags()).toMatchObject([{ notes: 'späßig' }]);
  });

  it.each(EXPRESS_VERSIONS)(
    'a beacon that came long before its turn is read, after the parsers of %s',
    async (_, express) => {
      const { phospho, token } = setUp(servers[0]?.[1] as MakeApp);
      const app = express();
      app.use(express.json());
      app.use((_req, _res, next) => void setTimeout(next, 30));
      app.use(phospho.router());
      await request(app)
        .post('/phospho/flag')
        .set('content-type', 'text/plain')
        .send(JSON.stringify({ token: token(), flag: 'success' }))
        .expect(202);
    },
  );

  it('a fault of our own is answered, not left hanging, and said once', async () => {
    const said: string[] = [];
    const error = (message: string) => void said.push(message);
    const router = createFeedbackRouter(
      {
        logger: new GuardedLogger({ debug() {}, info() {}, warn() {}, error }, 'warn'),
        tokens: () => {
          throw new Error('no tokens today');
        },
        isReady: () => true,
        knows: () => true,
        submit: () => {},
        options: {},
      },
      {},
    );
    const port = await listen((req, res) => router(req, res, () => res.end()));
    for (let n = 0; n < 2; n++) {
      const answer = await request(`http://127.0.0.1:${port}`)
        .post('/phospho/flag')
        .send({ token: 'x', flag: 'success' });
      expect(answer.status).toBe(500);
      expect(answer.body.error.code).toBe('internal');
      expect(answer.text).not.toContain('today');
    }
    expect(said).toEqual([expect.stringContaining('no tokens today')]);
  });

  it('a body that somebody else has read already is answered, not waited for', async () => {
    const { phospho, token } = setUp(servers[0]?.[1] as MakeApp);
    const router = phospho.router();
    const port = await listen(async (req, res) => {
      for await (const _ of req);
      router(req, res, () => res.end());
    });
    const answer = await request(`http://127.0.0.1:${port}`)
      .post('/phospho/flag')
      .send({ token: token(), flag: 'success' });
    expect(answer.status).toBe(400);
    expect(answer.body.error.code).toBe('invalid_json');
  });

  it('a connection is kept after a flag and after a refusal', async () => {
    const { app, token } = setUp(servers[0]?.[1] as MakeApp);
    const port = await listen(app);
    for (const flag of ['success', 'huh']) {
      const response = await fetch(`http://127.0.0.1:${port}/phospho/flag`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: token(), flag }),
      });
      await response.text();
      expect(response.headers.get('connection')).toBe('keep-alive');
    }
  });
});

describe('limits by address', () => {
  const [, make] = servers.find(([name]) => name.startsWith('Express 5')) as [string, MakeApp];
  const [, express5] = EXPRESS_VERSIONS.find(
    ([name]) => name === 'Express 5',
  ) as (typeof EXPRESS_VERSIONS)[1];

  it('300 a minute, whatever the tokens, and whatever X-Forwarded-For says', async () => {
    const { app, phospho } = setUp(make);
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const statuses: number[] = [];
    const one = async (n: number) => {
      const body = JSON.stringify({ token: phospho.feedbackToken(`t${n}`), flag: 'success' });
      const headers = {
        'content-type': 'application/json',
        'x-forwarded-for': `10.0.0.${n % 250}`,
      };
      const response = await fetch(`http://127.0.0.1:${port}/phospho/flag`, {
        method: 'POST',
        headers,
        body,
      });
      await response.text();
      statuses.push(response.status);
    };
    for (let n = 0; n < 310; n += 31) {
      await Promise.all(Array.from({ length: 31 }, (_, more) => one(n + more)));
    }
    server.close();
    expect(statuses.filter((status) => status === 202)).toHaveLength(300);
    expect(statuses.filter((status) => status === 429)).toHaveLength(10);
  });

  it('where a proxy is trusted, its clients are counted apart, and IPv6 by /56', async () => {
    const { phospho } = setUp(make);
    const app = express5();
    app.set('trust proxy', 'loopback');
    app.use(phospho.router());
    const from = (address: string) =>
      request(app).post('/phospho/flag').set('x-forwarded-for', address).send({ flag: 'no' });
    const spend = async (address: string) => {
      for (let n = 0; n < 300; n += 50) {
        await Promise.all(Array.from({ length: 50 }, () => from(address).expect(400)));
      }
    };
    await spend('2001:db8:0:1::1');
    await from('2001:db8:0:12::99').expect(429);
    await from('2001:db8:0:112::1').expect(400);
    await from('203.0.113.9').expect(400);
  });

  it('a trust in all proxies is warned of, once', async () => {
    const { phospho, error } = setUp(make);
    const app = express5();
    app.set('trust proxy', true);
    app.use(phospho.router());
    for (let n = 0; n < 2; n++) await request(app).post('/phospho/flag').send({ flag: 'no' });
    expect(error).toHaveBeenCalledTimes(1);
    expect(error).toHaveBeenCalledWith(expect.stringContaining("'trust proxy' is true"));
  });
});

describe('router()', () => {
  it.each([
    [{ path: 'phospho' }, /path of router\(\).*"\/phospho", got phospho/],
    [{ path: 7 }, /got 7/],
    [{ path: '' }, /path of router/],
    [{ paths: '/x' }, /no option "paths"; it takes: path, onFlag/],
  ])('refuses %j with a message that helps', (options, message) => {
    const phospho = phosphoFor({ exporter: new InMemoryExporter() });
    expect(() => phospho.router(options as RouterOptions)).toThrow(message);
  });

  it('serves /flag where its path is the root', async () => {
    const { phospho } = setUp(servers[0]?.[1] as MakeApp);
    const app = createServer((req, res) =>
      phospho.router({ path: '/' })(req, res, () => res.end()),
    );
    const body = { token: phospho.feedbackToken('t1'), flag: 'success' };
    await request(app).post('/flag').send(body).expect(202);
  });
});
