import { createServer } from 'node:http';
import type { Store } from 'express-rate-limit';
import fc from 'fast-check';
import { Phospho, type PhosphoOptions, type RouterOptions } from 'phospho-express';
import { InMemoryExporter } from 'phospho-express/testing';
import request from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { KEY, phosphoFor, SECRET } from '../helpers/ledger.ts';

const CHAT = { messages: [{ role: 'user', content: 'Hi' }] };

describe.each(EXPRESS_VERSIONS)('feedback on %s', (_name, express) => {
  /** Who is logged in comes from a header, as a stand-in for a session. */
  function setUp(feedback: PhosphoOptions['feedback'] = {}, router: RouterOptions = {}) {
    const exporter = new InMemoryExporter();
    const said: string[] = [];
    const say = (message: string) => void said.push(message);
    const logger = { debug() {}, info() {}, warn: say, error: say };
    const phospho = phosphoFor({ exporter, logger, feedback: { secret: SECRET, ...feedback } });
    const app = express();
    app.use(phospho.router(router));
    app.use(phospho.middleware());
    app.use(express.json());
    app.post('/chat', (_req, res) => void res.json({ content: 'Hello!' }));
    const ask = async (user?: string) => {
      const asking = request(app).post('/chat');
      if (user !== undefined) asking.set('x-user', user);
      const { headers } = await asking.send(CHAT).expect(200);
      const [taskId, token] = ['x-phospho-task-id', 'x-phospho-feedback-token'].map(
        (name) => headers[name] as string | undefined,
      );
      return { taskId, token };
    };
    const flag = (body: object, headers: { [name: string]: string } = {}) =>
      request(app)
        .post('/phospho/flag')
        .set(headers)
        .send({ flag: 'success', ...body });
    const flags = async () => {
      await phospho.flush();
      return exporter.flags;
    };
    return { phospho, app, ask, flag, flags, said };
  }

  describe('bind', () => {
    const bind: NonNullable<PhosphoOptions['feedback']>['bind'] = (req) =>
      req.headers['x-user'] as string | undefined;

    it('lets the user flag whose answer it was, and nobody else', async () => {
      const { ask, flag, flags } = setUp({ bind });
      const { token, taskId } = await ask('ada');
      await flag({ token }, { 'x-user': 'ada' }).expect(202);
      for (const headers of [{ 'x-user': 'eve' }, { 'x-user': 'ad' }, { 'x-user': 'adaa' }, {}]) {
        const { status, body } = await flag({ token }, headers);
        expect([status, body.error.code]).toEqual([401, 'token_invalid']);
      }
      expect(await flags()).toMatchObject([{ taskId }]);
    });

    it('a token of nobody is for nobody: a user who has logged in since has another', async () => {
      const { ask, flag } = setUp({ bind });
      const { token } = await ask();
      await flag({ token }).expect(202);
      await flag({ token }, { 'x-user': 'ada' }).expect(401);
    });

    it('is given to feedbackToken() as it will be', async () => {
      const { phospho, flag } = setUp({ bind });
      const token = phospho.feedbackToken('of-yesterday', { bind: 'ada' });
      await flag({ token }, { 'x-user': 'ada' }).expect(202);
      await flag({ token }, { 'x-user': 'eve' }).expect(401);
      await flag({ token: phospho.feedbackToken('of-yesterday') }).expect(202);
    });

    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('no session');
        },
      ],
      ['answers a promise', () => Promise.reject(new Error('late'))],
      ['answers a number', () => 7],
      ['answers null', () => null],
    ])(
      'that %s means no token, and no flag; said once, and the answer is as ever',
      async (_, bad) => {
        const unhandled = vi.fn();
        process.on('unhandledRejection', unhandled);
        const { phospho, ask, flag, said, flags } = setUp({ bind: bad as typeof bind });
        const { taskId, token } = await ask('ada');
        expect(taskId).toMatch(/^task_/);
        expect(token).toBeUndefined();
        const { status, body } = await flag({ token: phospho.feedbackToken('t1') });
        expect([status, body.error.code]).toEqual([403, 'unauthorized']);
        expect(said).toEqual([expect.stringContaining('feedback.bind')]);
        expect(await flags()).toEqual([]);
        process.off('unhandledRejection', unhandled);
        expect(unhandled).not.toHaveBeenCalled();
      },
    );
  });

  describe('rawFlagToFlag', () => {
    it('tells what a page means; what it does not know is known or refused as ever', async () => {
      const { phospho, flag, flags } = setUp({
        rawFlagToFlag: (raw) =>
          typeof raw === 'object' ? 'failure' : raw === 5 ? 'success' : undefined,
      });
      const token = (taskId: string) => phospho.feedbackToken(taskId);
      const send = (taskId: string, raw_flag: unknown) =>
        flag({ flag: undefined, token: token(taskId), raw_flag });
      await send('stars', 5).expect(202);
      await send('object', { stars: 1 }).expect(202);
      await send('known', '👎').expect(202);
      await send('unknown', 'maybe').expect(400);
      await send('missing', null).expect(400);
      expect(await flags()).toMatchObject([
        { taskId: 'stars', flag: 'success' },
        { taskId: 'object', flag: 'failure' },
        { taskId: 'known', flag: 'failure' },
      ]);
    });

    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('stars?');
        },
      ],
      ['answers something else', () => 'good'],
    ])('that %s is said once, and counts as not knowing', async (_, bad) => {
      const { phospho, flag, said } = setUp({ rawFlagToFlag: bad as () => undefined });
      const token = phospho.feedbackToken('t1');
      await flag({ flag: undefined, token, raw_flag: 'up' }).expect(202);
      await flag({ flag: undefined, token, raw_flag: 5 }).expect(400);
      expect(said).toEqual([expect.stringContaining('feedback.rawFlagToFlag')]);
    });
  });

  describe('limits', () => {
    it('are as set: by the task, whatever the token, and by the address', async () => {
      const { phospho, flag } = setUp({ limits: { perToken: 2, perAddress: 5 } });
      const token = (expiresInMs: number) => phospho.feedbackToken('t1', { expiresInMs });
      await flag({ token: token(10_000) }).expect(202);
      await flag({ token: token(20_000) }).expect(202);
      await flag({ token: token(30_000) }).expect(429);
      await flag({ token: phospho.feedbackToken('t2') }).expect(202);
      await flag({ token: phospho.feedbackToken('t3') }).expect(202);
      const { status, headers } = await flag({ token: phospho.feedbackToken('t4') });
      expect([status, Number(headers['retry-after']) > 0]).toEqual([429, true]);
    });

    it('count together where replicas share a store, which sees no token', async () => {
      const counts = new Map<string, number>();
      const keys = new Set<string>();
      const store = (name: string): Store => ({
        increment: async (key) => {
          keys.add(key);
          const totalHits = (counts.get(name + key) ?? 0) + 1;
          counts.set(name + key, totalHits);
          return { totalHits, resetTime: new Date(Date.now() + 30_000) };
        },
        decrement: () => {},
        resetKey: () => {},
      });
      const replicas = [1, 2].map(() => setUp({ limits: { perToken: 3, store } }));
      const token = replicas[0]?.phospho.feedbackToken('t1');
      const statuses: number[] = [];
      for (let n = 0; n < 4; n++) {
        statuses.push((await replicas[n % 2]?.flag({ token }))?.status ?? 0);
      }
      expect(statuses).toEqual([202, 202, 202, 429]);
      expect([...keys]).toContain('t1');
      expect([...keys].join()).not.toContain(token);
    });

    it.each<[string, () => unknown]>([
      [
        'cannot be made',
        () => {
          throw new Error('no Redis');
        },
      ],
      ['is none', () => ({ increment: () => {} })],
      ['fails', () => storeOf(() => Promise.reject(new Error('no Redis')))],
      ['hangs', () => storeOf(() => new Promise(() => {}))],
    ])('a store that %s costs no flag, and is said once', async (_, store) => {
      const { phospho, flag, flags, said } = setUp({ limits: { store: store as () => Store } });
      for (const id of ['t1', 't2']) {
        await flag({ token: phospho.feedbackToken(id) }).expect(202);
      }
      expect(await flags()).toHaveLength(2);
      expect(said).toEqual([expect.stringContaining('feedback.limits.store failed')]);
    });
  });

  it("X-Forwarded-For with 'trust proxy' off is warned of once, and does not count", async () => {
    const { phospho, flag, said } = setUp({ limits: { perAddress: 3 } });
    const from = (address: string) =>
      flag({ token: phospho.feedbackToken(address) }, { 'x-forwarded-for': address });
    for (const address of ['1.1.1.1', '2.2.2.2', '3.3.3.3']) await from(address).expect(202);
    await from('4.4.4.4').expect(429);
    expect(said).toEqual([expect.stringContaining("'trust proxy' is off")]);
  });

  describe('origins', () => {
    const origins = ['https://app.example.com', 'https://www.example.com'];
    const preflight = (app: Parameters<typeof request>[0], origin: string) =>
      request(app)
        .options('/phospho/flag')
        .set({ origin, 'access-control-request-method': 'POST' })
        .set('access-control-request-headers', 'content-type');

    it('on the list may ask first, send, and read the answer', async () => {
      const { app, phospho, flag } = setUp({ origins });
      for (const origin of origins) {
        const { status, headers } = await preflight(app, origin);
        expect(status).toBe(204);
        expect(headers).toMatchObject({
          'access-control-allow-origin': origin,
          'access-control-allow-methods': 'POST',
          'access-control-allow-headers': 'content-type',
          vary: 'Origin',
        });
        const answer = await flag({ token: phospho.feedbackToken(origin) }, { origin }).expect(202);
        expect(answer.headers['access-control-allow-origin']).toBe(origin);
        expect(answer.headers.vary).toBe('Origin');
        expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
      }
    });

    it('that are not on it get nothing to read, from either', async () => {
      const { app, phospho, flag, flags } = setUp({ origins });
      for (const origin of [
        'https://evil.example',
        'null',
        'https://app.example.com.evil.example',
      ]) {
        const asked = await preflight(app, origin).expect(403);
        const sent = await flag({ token: phospho.feedbackToken('t1') }, { origin }).expect(403);
        for (const { headers } of [asked, sent]) {
          expect(headers['access-control-allow-origin']).toBeUndefined();
        }
      }
      expect(await flags()).toEqual([]);
    });

    it('leave alone what a CORS middleware of the app has said', async () => {
      const { phospho } = setUp({ origins });
      const app = express();
      app.use((_req, res, next) => {
        res.set({ 'access-control-allow-origin': '*', vary: 'Accept, Origin' });
        next();
      });
      app.use(phospho.router());
      const { headers } = await request(app)
        .post('/phospho/flag')
        .set('origin', 'https://app.example.com')
        .send({ token: phospho.feedbackToken('t1'), flag: 'success' })
        .expect(202);
      expect(headers['access-control-allow-origin']).toBe('*');
      expect(headers.vary).toBe('Accept, Origin');
    });

    it('an OPTIONS that is no preflight, and any without a list, is the app’s', async () => {
      for (const { app } of [setUp({ origins }), setUp()]) {
        app.use((_req, res) => void res.status(299).end());
        await request(app).options('/phospho/flag').expect(299);
      }
      const { app } = setUp();
      app.use((_req, res) => void res.status(299).end());
      await preflight(app, 'https://app.example.com').expect(299);
    });
  });

  describe('onFlag', () => {
    it('is told of each flag that was taken, and of no other', async () => {
      const onFlag = vi.fn();
      const { phospho, flag } = setUp({}, { onFlag });
      await flag({ token: phospho.feedbackToken('t1'), notes: 'sk-0123456789abcdefghij' });
      await flag({ token: 'forged' }).expect(401);
      await flag({ token: phospho.feedbackToken('t1'), flag: 'huh' }).expect(400);
      expect(onFlag.mock.calls).toEqual([
        [
          { taskId: 't1', flag: 'success', notes: 'sk-0123456789abcdefghij' },
          expect.objectContaining({ method: 'POST' }),
        ],
      ]);
    });

    it.each<[string, () => unknown]>([
      [
        'throws',
        () => {
          throw new Error('the database is down');
        },
      ],
      ['rejects', () => Promise.reject(new Error('the database is down'))],
      ['never settles', () => new Promise(() => {})],
    ])('that %s changes nothing', async (_, onFlag) => {
      const unhandled = vi.fn();
      process.on('unhandledRejection', unhandled);
      const { phospho, flag, flags, said } = setUp({}, { onFlag });
      for (const id of ['t1', 't2']) {
        await flag({ token: phospho.feedbackToken(id) }).expect(202);
      }
      expect(await flags()).toHaveLength(2);
      expect(said.length).toBeLessThanOrEqual(1);
      for (const line of said) expect(line).toContain('the database is down');
      process.off('unhandledRejection', unhandled);
      expect(unhandled).not.toHaveBeenCalled();
    });

    it('may change what it is told: that is its own copy', async () => {
      const onFlag = vi.fn((feedback: { flag: string }) => Object.assign(feedback, { flag: 'x' }));
      const { phospho, flag, flags } = setUp({}, { onFlag });
      const answer = await flag({ token: phospho.feedbackToken('t1') }).expect(202);
      expect(answer.body.flag).toBe('success');
      expect(await flags()).toMatchObject([{ flag: 'success' }]);
    });
  });

  it('whatever a stranger sends, nothing of it comes back that could be markup or a disguise', async () => {
    const { phospho, app } = setUp();
    const server = createServer(app);
    const hostile = fc.constantFrom(
      '<script>alert(1)</script>',
      '"><img src=x onerror=alert(1)>',
      '\u202egnp.exe',
      'a\u0000b',
      '\u001b[31m',
    );
    const value = fc.oneof(
      hostile,
      hostile.map((text) => ({ [text]: text })),
      fc.anything(),
    );
    const body = fc.record(
      {
        token: fc.oneof(value, fc.constant(phospho.feedbackToken('t1'))),
        task_id: value,
        flag: fc.oneof(value, fc.constant('success')),
        raw_flag: value,
        notes: value,
      },
      { requiredKeys: [] },
    );
    const { listen, close } = await serve(server);
    try {
      await fc.assert(
        fc.asyncProperty(body, async (sent) => {
          const answer = await request(listen)
            .post('/phospho/flag')
            .set('content-type', 'application/json')
            .send(json(sent));
          expect([202, 400, 401, 403, 413, 415, 429]).toContain(answer.status);
          expect(answer.text).not.toMatch(/[<>\p{Cc}\p{Bidi_Control}]|\\u00/u);
          expect(answer.headers['x-content-type-options']).toBe('nosniff');
          expect(answer.headers['content-type']).toMatch(/^application\/json/);
        }),
        { numRuns: 100 },
      );
    } finally {
      close();
    }
  });
});

function storeOf(increment: () => Promise<never>): Store {
  return { increment, decrement: () => {}, resetKey: () => {} };
}

function json(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return 'null';
  }
}

async function serve(server: ReturnType<typeof createServer>) {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return { listen: server, close: () => server.close() };
}

describe('options of feedback', () => {
  const of = (feedback: object) => () =>
    new Phospho({ apiKey: KEY, projectId: 'p', feedback } as PhosphoOptions);

  it.each([
    [{ bind: 'session' }, /feedback\.bind must be a function, got "session"/],
    [{ secret: [] }, /feedback\.secret must be a text or a list of at least one, got an array/],
    [{ rawFlagToFlag: {} }, /feedback\.rawFlagToFlag must be a function, got an object/],
    [{ limits: { perMinute: 3 } }, /feedback\.limits.*"perMinute".*perToken, perAddress, store/],
    [{ limits: { perToken: 0 } }, /feedback\.limits\.perToken.*from 1 to 1000000, got 0/],
    [{ limits: { perAddress: 1.5 } }, /feedback\.limits\.perAddress.*got 1\.5/],
    [{ limits: { store: {} } }, /feedback\.limits\.store must be a function, got an object/],
    [{ bind: () => 'x', acceptBareIds: true }, /acceptBareIds.*bind/],
  ])('%j is refused with a message that helps', (feedback, message) => {
    expect(of(feedback)).toThrow(message);
  });

  it('feedbackToken() takes a task id, a time and a binding', () => {
    const phospho = phosphoFor({ exporter: new InMemoryExporter(), feedback: { secret: SECRET } });
    expect(() => phospho.feedbackToken('')).toThrow(/taskId must be a non-empty string/);
    expect(() => phospho.feedbackToken('t\ud800')).toThrow(/taskId must be well-formed/);
    expect(() => phospho.feedbackToken('t', { bind: 'ada' })).toThrow(/feedback\.bind.*not set/);
    const wrong = { bind: 7 } as unknown as { bind: string };
    expect(() => phospho.feedbackToken('t', wrong)).toThrow(/bind must be a string, got number/);
  });

  it('router() refuses an onFlag that is no function', () => {
    const phospho = phosphoFor({ exporter: new InMemoryExporter() });
    const options = { onFlag: 'log' } as unknown as RouterOptions;
    expect(() => phospho.router(options)).toThrow(/onFlag of router\(\) must be a function/);
  });
});
