import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Request, RequestHandler, Response } from 'express';
import multer from 'multer';
import type { LogEvent, MiddlewareOptions } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { EXPRESS_VERSIONS, type Express, type ExpressModule } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = { session_id: 's', messages: [{ role: 'user', content: 'Lisbon in the rain?' }] };
const RECORDED = { input: 'Lisbon in the rain?', session_id: 's', raw_input: ASKED };
const FORM = 'session_id=s&messages[0][role]=user&messages[0][content]=Lisbon+in+the+rain%3F';

/** As apps do that keep the conversation in the request: what was asked must not be what was answered. */
const answering: RequestHandler = (req, res) => {
  req.body?.messages?.push({ role: 'assistant', content: 'changed' });
  if (req.body) req.body = { messages: [{ role: 'user', content: 'replaced' }] };
  res.json(completion);
};

type Reader = (req: Request) => Promise<unknown>;

const BY_HAND: [string, Reader][] = [
  [
    'for await',
    async (req) => {
      for await (const _chunk of req);
    },
  ],
  ['pipe', (req) => once(req.pipe(new PassThrough()).resume(), 'end')],
  [
    'read()',
    (req) =>
      new Promise((resolve) => {
        req.on('readable', () => {
          while (req.read() !== null);
        });
        req.once('end', resolve);
      }),
  ],
  [
    "'data'",
    (req) =>
      once(
        req.on('data', () => {}),
        'end',
      ),
  ],
  ['nobody', async () => {}],
];

describe.each(EXPRESS_VERSIONS)('the request as it arrived, on %s', (_name, express) => {
  const parsers: [
    string,
    (module: ExpressModule) => RequestHandler,
    (app: Express) => request.Test,
  ][] = [
    ['express.json', (module) => module.json(), (app) => request(app).post('/chat').send(ASKED)],
    [
      'express.json, compressed',
      (module) => module.json(),
      (app) =>
        request(app)
          .post('/chat')
          .set({ 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' })
          .serialize(() => gzipSync(JSON.stringify(ASKED)) as unknown as string)
          .send(ASKED),
    ],
    [
      'express.urlencoded',
      (module) => module.urlencoded({ extended: true }),
      (app) => request(app).post('/chat').type('form').send(FORM),
    ],
    [
      'multer',
      () => multer().any(),
      (app) =>
        request(app)
          .post('/chat')
          .field('session_id', 's')
          .field('messages[0][role]', 'user')
          .field('messages[0][content]', 'Lisbon in the rain?')
          .attach('file', Buffer.alloc(100_000), 'a.bin'),
    ],
  ];

  const recordOf = async (
    build: (app: Express, middleware: RequestHandler) => void,
    send: (app: Express) => request.Test,
    options: MiddlewareOptions = {},
  ): Promise<LogEvent | undefined> => {
    const { phospho, events } = testPhospho();
    const app = express();
    build(app, phospho.middleware(options) as RequestHandler);
    await send(app).expect(200);
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    return event;
  };

  it.each(parsers)('is recorded where %s reads it after us', async (name, parser, send) => {
    // A form with files is copied no sooner than the answer begins, as its parser left it.
    const handler: RequestHandler =
      name === 'multer' ? (_req, res) => void res.json(completion) : answering;
    const event = await recordOf((app, middleware) => {
      app.use(middleware, parser(express));
      app.post('/chat', handler);
    }, send);
    expect(event).toMatchObject(RECORDED);
  });

  it.each(parsers)('is recorded where %s has read it before us', async (_parser, parser, send) => {
    const event = await recordOf((app, middleware) => {
      app.use(parser(express), middleware);
      app.post('/chat', answering);
    }, send);
    expect(event).toMatchObject(RECORDED);
  });

  it.each(BY_HAND)('is recorded where %s reads it', async (_reader, read) => {
    const event = await recordOf(
      (app, middleware) => {
        app.use(middleware);
        app.post('/chat', async (req, res) => {
          await read(req);
          res.json(completion);
        });
      },
      (app) => request(app).post('/chat').send(ASKED),
    );
    expect(event).toMatchObject(RECORDED);
  });
});

/** Calls `next` from an event of the request, as body parsers do that know nothing of async contexts. */
const losesContext: RequestHandler = (req, _res, next) => {
  let text = '';
  req.on('data', (chunk) => {
    text += chunk;
  });
  req.on('end', () => {
    req.body = JSON.parse(text);
    next();
  });
};

describe('the context of a request', () => {
  const uses = (
    handle: (req: Request, res: Response) => void,
  ): [Express, ReturnType<typeof testPhospho>] => {
    const kept = testPhospho();
    const [, express] = EXPRESS_VERSIONS[1] ?? [];
    if (express === undefined) throw new Error('no express');
    const app = express();
    app.use(kept.phospho.middleware() as RequestHandler, losesContext);
    app.post('/chat', handle);
    return [app, kept];
  };

  it('survives a parser that calls next from an event: what is wrapped is a step, not a task', async () => {
    const think = (text: string): string => `thought about ${text}`;
    const [app, { phospho, events }] = uses((_req, res) => {
      phospho.wrap(think)('tides');
      res.json(completion);
    });
    await request(app).post('/chat').send(ASKED);
    expect(await events()).toMatchObject([
      { steps: [{ name: 'think', output: 'thought about tides' }] },
    ]);
  });

  it('survives multer, which reads files', async () => {
    const { phospho, events } = testPhospho();
    const [, express] = EXPRESS_VERSIONS[0] ?? [];
    if (express === undefined) throw new Error('no express');
    const app = express();
    const think = phospho.wrap((text: string): string => `thought about ${text}`, {
      name: 'think',
    });
    app.use(phospho.middleware() as RequestHandler, multer().any());
    app.post('/chat', (_req, res) => {
      think('tides');
      res.json(completion);
    });
    await request(app).post('/chat').attach('file', Buffer.alloc(200_000), 'a.bin');
    expect(await events()).toMatchObject([{ steps: [{ name: 'think' }] }]);
  });

  const kinds: [string, () => unknown, string][] = [
    ['a value', () => 'tides', 'tides'],
    ['a promise', async () => 'tides', 'tides'],
  ];
  it.each(kinds)('has steps of its own by req.phospho.step: %s', async (_kind, run, output) => {
    const [app, { events }] = uses(async (req, res) => {
      const { step } = req.phospho ?? {};
      const result = step?.('look up', run);
      expect(result instanceof Promise).toBe(run() instanceof Promise);
      expect(await result).toBe('tides');
      expect(() => step?.('fail', () => JSON.parse('{'))).toThrow(SyntaxError);
      res.json(completion);
    });
    await request(app).post('/chat').send(ASKED).expect(200);
    expect(await events()).toMatchObject([
      {
        steps: [
          { name: 'look up', output },
          { name: 'fail', outcome: 'error' },
        ],
      },
    ]);
  });

  it('goes into the stream by req.phospho.sseEvent, and is no part of the answer', async () => {
    const [app, { phospho, events }] = uses((req, res) => {
      res.set('Content-Type', 'text/event-stream');
      res.write(req.phospho?.sseEvent());
      res.end('data: {"content":"Lovely."}\n\n');
    });
    const { text } = await request(app).post('/chat').send(ASKED);
    const [event] = await events();
    const [, data = ''] = /^event: phospho\ndata: (.*)\n\n/.exec(text) ?? [];
    const { task_id, feedback_token } = JSON.parse(data);
    expect(event).toMatchObject({ task_id, output: 'Lovely.' });
    expect(feedback_token).toMatch(/^v1\./);
    expect(phospho.stats().events.delivered).toBe(1);
  });
});
