import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect as connect2, constants, createServer as createServer2 } from 'node:http2';
import compression from 'compression';
import type { PhosphoOptions } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { FLAG_APPS } from '../helpers/flag-apps.ts';
import { phosphoFor, SECRET } from '../helpers/ledger.ts';
import { dial, listening } from '../helpers/servers.ts';

function setUp(feedback: PhosphoOptions['feedback'] = {}, more: PhosphoOptions = {}) {
  const exporter = new InMemoryExporter();
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const phospho = phosphoFor({
    exporter,
    logger: { debug: say, info: say, warn: say, error: say },
    feedback: { secret: SECRET, ...feedback },
    ...more,
  });
  const body = (taskId = 't1') => ({ token: phospho.feedbackToken(taskId), flag: 'success' });
  const flags = async () => {
    await phospho.flush();
    return exporter.flags;
  };
  return { phospho, said, body, flags };
}

/** What the process said of rejections that nobody handled, and of what it warns of, while the test ran. */
function complaints(): string[] {
  const heard: string[] = [];
  const note = (error: unknown) => void heard.push(String(error));
  process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note).on('warning', note);
  onTestFinished(() => {
    process
      .off('unhandledRejection', note)
      .off('uncaughtExceptionMonitor', note)
      .off('warning', note);
  });
  return heard;
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe.each(EXPRESS_VERSIONS)('the feedback route on %s', (_, express) => {
  it('mounted twice takes each flag once', async () => {
    const { phospho, body, flags } = setUp({ limits: { perToken: 2 } });
    const app = express();
    app.use(phospho.router(), phospho.router());
    for (const status of [202, 202, 429]) {
      await request(app).post('/phospho/flag').send(body()).expect(status);
    }
    expect(await flags()).toHaveLength(1);
  });

  it('is below whatever it is mounted on', async () => {
    const { phospho, body, flags } = setUp();
    const api = express.Router().use(phospho.router({ path: '/feedback' }));
    const app = express().use('/api', api).use(express.static('.'));
    await request(app).post('/api/feedback/flag?x=1').send(body()).expect(202);
    await request(app).post('/feedback/flag').send(body()).expect(404);
    expect(await flags()).toHaveLength(1);
  });

  it('behind a middleware that captures all paths is no task itself: its tokens are in no record', async () => {
    const { phospho, body, flags, said } = setUp();
    const app = express();
    app.use(phospho.middleware({ include: ['/*'] }), express.json(), phospho.router());
    for (const sent of [body(), { ...body(), flag: 'huh' }]) {
      const { headers } = await request(app).post('/phospho/flag').send(sent);
      expect(headers['x-phospho-feedback-token']).toBeUndefined();
      expect(headers['x-phospho-task-id']).toBeUndefined();
    }
    await request(app).get('/phospho/widget.js').expect(200);
    expect(await flags()).toHaveLength(1);
    expect(phospho.stats().events.captured).toBe(0);
    expect(said).toEqual([]);
  });

  it('works behind compression and behind a session that is saved before an answer ends', async () => {
    const { phospho, body, flags } = setUp();
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.use((_req, res, next) => {
      const end = res.end.bind(res) as (...args: unknown[]) => typeof res;
      // As express-session does: the store answers first.
      res.end = ((...args: unknown[]) => {
        res.setHeader('Set-Cookie', 'sid=1');
        setImmediate(() => end(...args));
        return res;
      }) as typeof res.end;
      next();
    });
    app.use(phospho.router());
    const answer = await request(app).post('/phospho/flag').send(body()).expect(202);
    expect(answer.body).toEqual({ task_id: 't1', flag: 'success' });
    expect(answer.headers['content-encoding']).toBe('gzip');
    await request(app).get('/phospho/flag').expect(405);
    expect(await flags()).toHaveLength(1);
  });

  it.each(['end', 'setHeader'] as const)(
    'whose response the app has broken (%s throws) ends the wait, takes the flag, says it once, and ends no process',
    async (method) => {
      const heard = complaints();
      const onFlag = vi.fn();
      const { phospho, body, flags, said } = setUp();
      const app = express();
      app.disable('x-powered-by');
      app.use((_req, res, next) => {
        res[method] = () => {
          throw new Error('the store is down');
        };
        next();
      });
      app.use(phospho.router({ onFlag }));
      const server = createServer(app);
      await listening(server);
      for (const sent of [body(), body('t2'), { flag: 'huh' }]) {
        await expect(request(server).post('/phospho/flag').send(sent)).rejects.toThrow(/hang up/);
      }
      await expect(request(server).get('/phospho/widget.js')).rejects.toThrow(/hang up/);
      await turn();
      expect(heard).toEqual([]);
      expect(said.length).toBeLessThanOrEqual(2);
      expect(said[0]).toContain('could not answer: Error: the store is down');
      expect(onFlag).toHaveBeenCalledTimes(2);
      expect(await flags()).toHaveLength(2);
    },
  );

  it('counts the flags of one task where authorize decides, too', async () => {
    const { phospho } = setUp({ authorize: () => true, limits: { perToken: 3 } });
    const app = express().use(phospho.router());
    const flag = (task_id: string) =>
      request(app).post('/phospho/flag').send({ task_id, flag: 'success' });
    for (let n = 0; n < 3; n++) await flag('t1').expect(202);
    await flag('t1').expect(429);
    await flag('t2').expect(202);
  });

  it.each<[string, unknown]>([
    ['no time', undefined],
    ['no valid time', new Date(Number.NaN)],
    ['a time that is no date', '2030-01-01'],
    ['a time of long ago', new Date(0)],
    ['a time in a thousand years', new Date(32e12)],
  ])('says when to come back, whatever the store says: %s', async (_name, resetTime) => {
    const store = () => ({
      increment: () => ({ totalHits: 1_000, resetTime: resetTime as Date }),
      decrement() {},
      resetKey() {},
    });
    const { phospho, body } = setUp({ limits: { store } });
    const app = express().use(phospho.router());
    const { headers } = await request(app).post('/phospho/flag').send(body()).expect(429);
    expect(headers['retry-after']).toMatch(/^([1-9]|[1-5]\d|60)$/);
  });

  it('counts an address with a port as the address, and keeps little of what is none', async () => {
    const keys: string[] = [];
    const store = (name: string) => ({
      increment: (key: string) => {
        if (name === 'address') keys.push(key);
        return { totalHits: 1, resetTime: undefined };
      },
      decrement() {},
      resetKey() {},
    });
    const { phospho, body } = setUp({ limits: { store } });
    const app = express().set('trust proxy', 1).use(phospho.router());
    for (const address of [
      '203.0.113.9:50001',
      '203.0.113.9',
      '[2001:db8::1]:443',
      '2001:db8::1',
      '::ffff:203.0.113.9',
      'x'.repeat(9_000),
    ]) {
      const asked = request(app).post('/phospho/flag').set('x-forwarded-for', address);
      await asked.send(body()).expect(202);
    }
    const v6 = '2001:db8::/56';
    expect(keys).toEqual(['203.0.113.9', '203.0.113.9', v6, v6, '203.0.113.9', 'x'.repeat(64)]);
  });
});

describe('a client of the feedback route', () => {
  it.each(FLAG_APPS)(
    'that never sends its body is given up when the server gives it up, on %s',
    async (_, make) => {
      const heard = complaints();
      const { phospho, flags, said } = setUp();
      // The app's own limits, as for every other route.
      const options = { requestTimeout: 200, headersTimeout: 200, connectionsCheckingInterval: 20 };
      const port = await listening(createServer(options, make(phospho)));
      const lines = await Promise.all(Array.from({ length: 20 }, () => dial(port)));
      const head = 'POST /phospho/flag HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n';
      for (const { socket } of lines) socket.write(`${head}Content-Length: 99\r\n\r\n{"flag"`);
      await Promise.all(lines.map(({ closed }) => closed));
      for (const { text } of lines) expect(text()).toMatch(/^HTTP\/1\.1 408/);
      expect(heard).toEqual([]);
      expect(said).toEqual([]);
      expect(await flags()).toEqual([]);
    },
  );

  it('may speak HTTP/2: taken, refused, too long or given up, with no warning of the process', async () => {
    const heard = complaints();
    const { phospho, body, flags, said } = setUp();
    const router = phospho.router();
    const server = createServer2((req, res) => {
      const [one, other] = [
        req as unknown as IncomingMessage,
        res as unknown as ServerResponse,
      ] as const;
      router(one, other, () => void res.end());
    });
    const port = await listening(server as unknown as Server);
    const session = connect2(`http://127.0.0.1:${port}`);
    onTestFinished(() => session.destroy());
    const post = {
      ':method': 'POST',
      ':path': '/phospho/flag',
      'content-type': 'application/json',
    };
    const ask = async (headers: Record<string, string>, text?: string): Promise<number> => {
      const stream = session.request(headers, { endStream: text === undefined });
      stream.on('error', () => {});
      if (text !== undefined) stream.end(text);
      const [answer] = await once(stream, 'response');
      stream.resume();
      await once(stream, 'close');
      return answer[':status'];
    };
    expect(await ask(post, JSON.stringify(body()))).toBe(202);
    expect(await ask({ ...post, ':method': 'GET' })).toBe(405);
    expect(await ask({ ...post, 'content-type': 'text/html' }, 'x'.repeat(1e6))).toBe(415);
    expect(await ask(post, 'x'.repeat(1e6))).toBe(413);
    const left = session.request(post);
    left.on('error', () => {});
    left.write('{"flag":');
    await once(server, 'request');
    await turn();
    left.close(constants.NGHTTP2_CANCEL);
    await once(left, 'close').catch(() => {});
    expect(await ask(post, JSON.stringify(body('t2')))).toBe(202);
    expect(heard).toEqual([]);
    expect(said).toEqual([]);
    expect(await flags()).toHaveLength(2);
  });

  it('who says something that the mask fails on reads it in no log, and the flag goes', async () => {
    const { phospho, flags, said } = setUp({}, { mask: (text) => JSON.parse(text) });
    const odd = setUp(
      {},
      {
        mask: () => {
          throw Object.create(null);
        },
      },
    );
    phospho.flag('t1', 'failure', { notes: 'Ada said no' });
    phospho.log({ input: 'Ada asked', taskId: 't2' });
    odd.phospho.flag('t1', 'failure', { notes: 'Ada said no' });
    expect(await flags()).toMatchObject([{ taskId: 't1', notes: undefined }]);
    expect(await odd.flags()).toMatchObject([{ taskId: 't1', notes: undefined }]);
    expect(said).toEqual([expect.stringContaining('SyntaxError')]);
    expect(odd.said).toEqual([expect.stringContaining('the mask failed')]);
    expect([...said, ...odd.said].join()).not.toContain('Ada');
  });
});
