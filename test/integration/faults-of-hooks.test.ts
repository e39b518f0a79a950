import type { MiddlewareOptions } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = { messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };

/** A Phospho and what it says to its logger. */
function talking() {
  const said: string[] = [];
  const log = (message: string): void => void said.push(message);
  const logger = { debug: log, info: log, warn: log, error: log };
  return { ...testPhospho({ logger }), said };
}

/** What can be thrown, but not shown. */
const THROWN: [string, () => unknown][] = [
  ['an Error', () => new Error('of the app')],
  ['an object without a prototype', () => Object.create(null)],
  ['a symbol', () => Symbol('of the app')],
  ['undefined', () => undefined],
  [
    'an Error whose message throws',
    () =>
      Object.defineProperty(new Error(), 'message', {
        get: () => {
          throw Object.create(null);
        },
      }),
  ],
];

describe.each(EXPRESS_VERSIONS)('hooks on %s', (_name, express) => {
  it.each(THROWN)(
    'that throw %s, with each request, cost their fields alone, and are told of once',
    async (_what, thrown) => {
      const { phospho, events, said } = talking();
      const fail = (): never => {
        throw thrown();
      };
      const app = express();
      const hooks: MiddlewareOptions = {
        sessionId: fail,
        userId: fail,
        input: fail,
        output: fail,
        metadata: fail,
        versionId: fail,
        sample: fail,
      };
      app.use(phospho.middleware(hooks));
      app.post('/', (req, res) => {
        req.phospho?.set(Object.defineProperty({}, 'input', { get: fail, enumerable: true }));
        res.json({ content: 'Take an umbrella' });
      });
      for (let i = 0; i < 20; i++) await request(app).post('/').send(ASKED).expect(200);
      const recorded = await events();
      expect(recorded).toHaveLength(20);
      for (const event of recorded) {
        expect(event).toMatchObject({ input: 'Lisbon in the rain?', output: 'Take an umbrella' });
      }
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/capturing a request failed: /);
    },
  );

  it.each([
    ['include', 'is not included by it'],
    ['exclude', 'counts as excluded'],
  ])('that decide what is recorded (%s) and fail are told of once: it %s', async (name, counts) => {
    const { phospho, events, said } = talking();
    const app = express();
    const fail = (): never => {
      throw new Error('of the app');
    };
    app.use(phospho.middleware({ [name]: fail }));
    app.post('/', (_req, res) => void res.json({ tea: 2 }));
    for (let i = 0; i < 5; i++) await request(app).post('/').send({ cups: 2 }).expect(200);
    expect(await events()).toEqual([]);
    const whole = `the option ${name} of middleware() failed: Error: of the app; such a request ${counts}`;
    expect(said).toEqual([expect.stringContaining(whole)]);
  });

  it("that answer a promise of any kind are refused, and their rejections are nobody's", async () => {
    const { phospho, events, said } = talking();
    let asked = 0;
    const later = {
      // biome-ignore lint/suspicious/noThenProperty: what a library's own promises have
      then(_onDone: unknown, onError?: (error: Error) => void): void {
        asked += 1;
        if (onError === undefined) throw new Error('unhandled');
        onError(new Error('of the app'));
      },
    } as never;
    const app = express();
    app.use(phospho.middleware({ include: () => later, sessionId: () => later }));
    app.post('/', (_req, res) => void res.json({ content: 'a' }));
    app.post('/page', (_req, res) => void res.json({ content: 'b' }));
    await request(app).post('/').send(ASKED);
    await request(app).post('/page').send({ tea: 2 });
    const recorded = await events();
    expect(recorded).toMatchObject([{ output: 'a' }]);
    expect(recorded[0]?.session_id ?? '').not.toContain('object');
    expect(asked).toBeGreaterThan(0);
    expect(said).toHaveLength(2);
    expect(said.join()).toMatch(/the option include of middleware\(\) is async/);
  });

  it('of exclude that answer a promise of any kind record nothing', async () => {
    const { phospho, events } = talking();
    // biome-ignore lint/suspicious/noThenProperty: what a library's own promises have
    const later = { then: (onDone: (verdict: boolean) => void) => onDone(false) } as never;
    const app = express();
    app.use(phospho.middleware({ exclude: () => later }));
    app.post('/', (_req, res) => void res.json({ content: 'a' }));
    await request(app).post('/').send(ASKED).expect(200);
    expect(await events()).toEqual([]);
  });

  it('a logger that throws changes nothing', async () => {
    const fail = (): never => {
      throw new Error('of the logger');
    };
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    const { phospho, events } = testPhospho({ logger });
    const app = express();
    app.use(phospho.middleware({ sessionId: fail }));
    app.post('/', (_req, res) => void res.json({ content: 'a' }));
    await request(app).post('/').send(ASKED).expect(200);
    expect(await events()).toMatchObject([{ output: 'a' }]);
  });
});

describe.each(EXPRESS_VERSIONS)('the head on %s', (_name, express) => {
  it.each(['404', '204'])(
    'with the status %j, a string, is recorded as it is sent',
    async (status) => {
      const { phospho, events } = testPhospho();
      const app = express();
      app.use(phospho.middleware());
      app.post('/set', (_req, res) => {
        Object.assign(res, { statusCode: status }).end('{"content":"a"}');
      });
      app.post('/written', (_req, res) => {
        res.writeHead(status as never).end('{"content":"a"}');
      });
      for (const path of ['/set', '/written']) {
        await request(app).post(path).send(ASKED).expect(Number(status));
      }
      const outcome = status === '404' ? 'error' : 'complete';
      const expected = { metadata: { status: Number(status), outcome } };
      expect(await events()).toMatchObject([expected, expected]);
      if (status === '204') expect((await events())[0]?.output).toBeNull();
    },
  );

  it.each([
    ['HEAD', 200],
    ['POST', 204],
    ['POST', 304],
  ] as const)(
    'of %s with %d has no body: what the app wrote is not recorded',
    async (method, status) => {
      const { phospho, events } = testPhospho();
      const app = express();
      app.use(phospho.middleware({ include: ['/*'] }));
      app.all('/', (_req, res) => {
        res.writeHead(status, { 'Content-Type': 'text/plain' });
        res.write('never ');
        res.end('sent');
      });
      const asked = method === 'HEAD' ? request(app).head('/') : request(app).post('/').send(ASKED);
      await asked.ok(() => true);
      const [event, ...others] = await events();
      expect(others).toEqual([]);
      expect(event).toMatchObject({ output: null, metadata: { status, outcome: 'complete' } });
      expect(event?.metadata).not.toHaveProperty('response_bytes');
    },
  );
});
