import { once } from 'node:events';
import { createServer, get, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestHandler } from 'express';
import type { MiddlewareOptions, Phospho } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { chunks, completion, eventStream, toolChunks } from '../fixtures/openai-chat.ts';
import { EXPRESS_VERSIONS, type Express } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = {
  session_id: 'trip-1',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Lisbon in the rain?' },
  ],
};

const sendChunks =
  (events: readonly object[]): RequestHandler =>
  (_req, res) => {
    res.set('Content-Type', 'text/event-stream');
    for (const event of events) res.write(`data: ${JSON.stringify(event)}\n\n`);
    res.end('data: [DONE]\n\n');
  };

describe.each(EXPRESS_VERSIONS)('middleware on %s', (_name, express) => {
  const appWith = (
    phospho: Phospho,
    routes: (app: Express) => void,
    options: MiddlewareOptions = {},
    order: 'before parsers' | 'after parsers' = 'before parsers',
  ): Express => {
    const app = express();
    if (order === 'after parsers') app.use(express.json());
    app.use(phospho.middleware(options));
    if (order === 'before parsers') app.use(express.json());
    routes(app);
    return app;
  };

  it.each(['before parsers', 'after parsers'] as const)(
    'records an OpenAI completion, mounted %s',
    async (order) => {
      const { phospho, events } = testPhospho({ environment: 'test', versionId: '1.2.3' });
      const app = appWith(
        phospho,
        (routes) => routes.post('/chat/:room', (_req, res) => void res.json(completion)),
        {},
        order,
      );
      const response = await request(app).post('/chat/7?x=1').send(ASKED).expect(200);
      expect(response.body).toEqual(completion);

      const [event, ...others] = await events();
      expect(others).toEqual([]);
      expect(event).toMatchObject({
        task_id: response.headers['x-phospho-task-id'],
        session_id: 'trip-1',
        input: 'Lisbon in the rain?',
        output: 'Lisbon is lovely, rain or shine.',
        system_prompt: 'Be brief.',
        model: 'gpt-4o-mini-2024-07-18',
        prompt_tokens: 21,
        completion_tokens: 9,
        total_tokens: 30,
        cache_read_tokens: 5,
        environment: 'test',
        version_id: '1.2.3',
        raw_input: ASKED,
        raw_output: completion,
        metadata: {
          method: 'POST',
          route: '/chat/:room',
          status: 200,
          outcome: 'complete',
          streamed: false,
          finish_reason: 'stop',
        },
      });
      expect(event?.metadata?.latency_ms).toBeGreaterThan(0);
      expect(event?.client_created_at).toBeCloseTo(Date.now() / 1000, -2);
    },
  );

  it('records an OpenAI stream as the completion that it adds up to', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) => routes.post('/chat', sendChunks(chunks)));
    const response = await request(app).post('/chat').send(ASKED).expect(200);
    expect(response.text).toBe(eventStream(chunks));

    const [event] = await events();
    expect(event).toMatchObject({
      output: 'Lisbon is lovely, rain or shine.',
      model: 'gpt-4o-mini-2024-07-18',
      prompt_tokens: 21,
      completion_tokens: 9,
      raw_output: {
        object: 'chat.completion',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Lisbon is lovely, rain or shine.' },
            finish_reason: 'stop',
          },
        ],
      },
      metadata: { streamed: true, outcome: 'complete' },
    });
    expect(event?.metadata?.time_to_first_token_ms).toBeGreaterThan(0);
  });

  it('keeps a streamed tool call with its arguments, and no output', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) => routes.post('/chat', sendChunks(toolChunks)));
    await request(app).post('/chat').send(ASKED);
    const [event] = await events();
    expect(event).toMatchObject({
      output: '',
      metadata: {
        finish_reason: 'tool_calls',
        tool_calls: [{ name: 'weather', arguments: '{"city":"Lisboa"}' }],
      },
    });
  });

  it.each(['content', 'answer', 'output', 'text'])(
    'records a bare chat route that answers { %s }',
    async (key) => {
      const { phospho, events } = testPhospho();
      const app = appWith(phospho, (routes) =>
        routes.post('/chat', (_req, res) => void res.json({ [key]: 'Take an umbrella ☔' })),
      );
      await request(app).post('/chat').send(ASKED);
      expect(await events()).toMatchObject([
        { input: 'Lisbon in the rain?', output: 'Take an umbrella ☔' },
      ]);
    },
  );

  it.each([
    ['objects with a known key', ['{"content":"Take "}', '{"content":"an umbrella"}']],
    ['JSON strings', ['"Take "', '"an umbrella"']],
    ['plain text', ['Take ', 'an umbrella']],
    ['deltas', ['{"delta":"Take "}', '{"delta":{"text":"an umbrella"}}']],
  ])('records a bare chat route that streams %s', async (_what, data) => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' });
        for (const piece of data) res.write(`data: ${piece}\n\n`);
        res.end();
      }),
    );
    await request(app).post('/chat').send(ASKED);
    expect(await events()).toMatchObject([{ output: 'Take an umbrella' }]);
  });

  it('leaves ordinary routes without record and without headers', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) => {
      routes.post('/orders', (_req, res) => void res.json({ message: 'ordered', text: 'x' }));
      routes.get('/page', (_req, res) => void res.send('<p>hello</p>'));
      routes.get('/events', (_req, res) => {
        res.set('Content-Type', 'text/event-stream').end('data: {"text":"news"}\n\n');
      });
    });
    const responses = [
      await request(app).post('/orders').send({ query: 'tea', prompt: 'no' }),
      await request(app).get('/page'),
      await request(app).get('/events'),
    ];
    expect(await events()).toEqual([]);
    expect(phospho.stats().events.captured).toBe(0);
    for (const { headers } of responses) expect(headers).not.toHaveProperty('x-phospho-task-id');
  });

  it("recognises a provider's answer whatever the request was", async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) => {
      routes.post('/ask', (_req, res) => void res.json(completion));
      routes.post('/ask-stream', sendChunks(chunks));
    });
    await request(app).post('/ask').send({ question: 'Lisbon?' });
    await request(app).post('/ask-stream').send({ text: 'Lisbon?' });
    const output = completion.choices[0]?.message.content;
    expect(await events()).toMatchObject([{ input: 'Lisbon?', output }, { output }]);
  });

  it('counts generic keys where the answer is a stream, or the path is included', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(
      phospho,
      (routes) => {
        routes.get('/stream', (_req, res) => {
          res.set('Content-Type', 'text/event-stream').end('data: streamed\n\n');
        });
        routes.post('/api/ask', (_req, res) => void res.json({ answer: 'included' }));
        routes.post('/secret/ask', (_req, res) => void res.json({ answer: 'excluded' }));
      },
      { include: ['/api/*', '/secret/ask'], exclude: ['/secret/*'] },
    );
    await request(app).get('/stream?prompt=hello');
    await request(app).post('/api/ask').send({ question: 'hi' });
    await request(app)
      .post('/secret/ask')
      .send({ question: 'hi', ...ASKED });
    expect(await events()).toMatchObject([
      { input: 'hello', output: 'streamed' },
      { input: 'hi', output: 'included' },
    ]);
  });

  it('finds session and user where apps put them, options first', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use((req, _res, next) => {
      Object.assign(req, { user: { id: 42 } });
      next();
    });
    app.use('/plain', phospho.middleware());
    app.use(
      '/optioned',
      phospho.middleware({ sessionId: (req) => `s-${req.headers.host?.length}` }),
    );
    app.use(express.json());
    app.post('/plain', (_req, res) => void res.json({ content: 'a' }));
    app.post('/optioned', (_req, res) => void res.json({ content: 'b' }));
    await request(app)
      .post('/plain')
      .set('X-Session-Id', 'from-header')
      .send({ messages: ASKED.messages });
    await request(app).post('/optioned').send(ASKED);
    expect(await events()).toMatchObject([
      { session_id: 'from-header', user_id: '42' },
      { session_id: expect.stringMatching(/^s-\d+$/) },
    ]);
  });

  it('lets the handler overrule what was found, or skip the record', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) => {
      routes.post('/set', (req, res) => {
        req.phospho?.set({ sessionId: 'mine', output: 'better', metadata: { tier: 'gold' } });
        res.json({ content: 'plain', id: req.phospho?.taskId });
      });
      routes.post('/skip', (req, res) => {
        req.phospho?.skip();
        res.json({ content: 'private' });
      });
    });
    const set = await request(app).post('/set').send(ASKED);
    const skipped = await request(app).post('/skip').send(ASKED);
    expect(await events()).toMatchObject([
      { task_id: set.body.id, session_id: 'mine', output: 'better', metadata: { tier: 'gold' } },
    ]);
    expect(skipped.headers).not.toHaveProperty('x-phospho-task-id');
  });

  it('publishes ids and token on captured responses alone, and never to a shared cache', async () => {
    const { phospho } = testPhospho();
    const app = express();
    app.use('/quiet', phospho.middleware({ publish: 'none' }));
    app.use(phospho.middleware());
    app.use(express.json());
    app.post('/chat', (_req, res) => void res.json({ content: 'a' }));
    app.post('/cors', (_req, res) => {
      res.set('Access-Control-Expose-Headers', 'X-Mine').json({ content: 'a' });
    });
    app.post('/cached', (_req, res) => {
      res.set('Cache-Control', 'public, max-age=60').json({ content: 'a' });
    });
    app.post('/quiet', (_req, res) => void res.json({ content: 'a' }));
    const send = (path: string) =>
      request(app).post(path).set('Origin', 'https://app.example').send(ASKED);

    const chat = await send('/chat');
    expect(chat.headers['x-phospho-task-id']).toMatch(/^task_[0-9a-f-]{36}$/);
    expect(chat.headers['x-phospho-feedback-token']).toMatch(/^v1\./);
    expect(chat.headers['access-control-expose-headers']).toBe(
      'X-Phospho-Task-Id, X-Phospho-Feedback-Token',
    );
    expect((await send('/cors')).headers['access-control-expose-headers']).toBe(
      'X-Mine, X-Phospho-Task-Id, X-Phospho-Feedback-Token',
    );
    for (const path of ['/cached', '/quiet']) {
      const { headers } = await send(path);
      expect(Object.keys(headers).filter((name) => name.startsWith('x-phospho'))).toEqual([]);
    }
  });

  it.each<[string, (res: import('express').Response, headers: [string, string][]) => void]>([
    ['an object', (res, headers) => void res.writeHead(200, Object.fromEntries(headers))],
    ['a flat list', (res, headers) => void res.writeHead(200, headers.flat())],
    [
      'a reason and an object',
      (res, headers) => void res.writeHead(200, 'Fine', Object.fromEntries(headers)),
    ],
  ])('adds its headers to those given to writeHead as %s', async (_form, writeHead) => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (_req, res) => {
        writeHead(res, [
          ['content-type', 'application/json'],
          ['x-mine', 'yes'],
        ]);
        res.end('{"content":"a"}');
      }),
    );
    const { headers } = await request(app).post('/chat').send(ASKED);
    expect(headers).toMatchObject({ 'x-mine': 'yes', 'content-type': 'application/json' });
    const [event] = await events();
    expect(event).toMatchObject({ output: 'a', task_id: headers['x-phospho-task-id'] });
  });

  it('records one task where it is mounted twice, by app and router', async () => {
    const { phospho, events } = testPhospho();
    const router = express.Router();
    router.use(phospho.middleware());
    router.post('/chat', (_req, res) => void res.json({ content: 'once' }));
    const app = appWith(phospho, (routes) => routes.use('/api', router));
    await request(app).post('/api/chat').send(ASKED).expect(200);
    expect(await events()).toMatchObject([{ output: 'once', metadata: { route: '/api/chat' } }]);
  });

  it('records the request as it arrived, whatever the handler does to it', async () => {
    const { phospho, events } = testPhospho();
    for (const order of ['before parsers', 'after parsers'] as const) {
      const app = appWith(
        phospho,
        (routes) =>
          routes.post('/chat', (req, res) => {
            req.body.messages.push({ role: 'assistant', content: 'pushed later' });
            req.body.messages[1].content = 'changed';
            res.json({ content: 'a' });
          }),
        {},
        order,
      );
      await request(app).post('/chat').send(ASKED).expect(200);
    }
    for (const event of await events()) {
      expect(event).toMatchObject({ input: 'Lisbon in the rain?', raw_input: ASKED });
    }
  });

  it('sees a body that the handler reads by hand', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    app.post('/chat', async (req, res) => {
      let text = '';
      for await (const chunk of req) text += chunk;
      res.json({ content: `${JSON.parse(text).messages.length} messages` });
    });
    await request(app).post('/chat').send(ASKED);
    expect(await events()).toMatchObject([{ input: 'Lisbon in the rain?', output: '2 messages' }]);
  });

  it('records an answer that ends in an error once, with its status', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) => {
      routes.post('/throws', () => {
        throw new Error('the model is gone');
      });
      routes.post(
        '/answers',
        (_req, res) => void res.status(429).json({ error: { message: 'slow down' } }),
      );
      routes.use(((_error, _req, res, _next) => {
        res.status(500).send('sorry');
      }) satisfies import('express').ErrorRequestHandler);
    });
    await request(app).post('/throws').send(ASKED).expect(500, 'sorry');
    await request(app).post('/answers').send(ASKED).expect(429);
    expect(await events()).toMatchObject([
      { input: 'Lisbon in the rain?', output: null, metadata: { outcome: 'error', status: 500 } },
      { metadata: { outcome: 'error', status: 429, error: 'slow down' } },
    ]);
  });

  it('records a response without a body once', async () => {
    const { phospho, events } = testPhospho();
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (_req, res) => void res.status(204).end()),
    );
    await request(app).post('/chat').send(ASKED).expect(204);
    expect(await events()).toMatchObject([{ output: null, metadata: { status: 204 } }]);
  });

  it('records what a client that leaves has been sent, as aborted', async () => {
    const { phospho, exporter } = testPhospho({ delivery: { lingerMs: 0 } });
    let closed: Promise<unknown> = Promise.resolve();
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (_req, res) => {
        closed = once(res, 'close');
        res.set('Content-Type', 'text/event-stream');
        res.write('data: {"content":"Lisbon is"}\n\n');
      }),
    );
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = httpRequest({
      port,
      method: 'POST',
      path: '/chat',
      headers: { 'content-type': 'application/json' },
    });
    client.on('error', () => {});
    client.end(JSON.stringify(ASKED));
    const [response] = await once(client, 'response');
    await once(response, 'data');
    client.destroy();
    await closed;
    await phospho.flush();
    expect(exporter.events).toMatchObject([
      { input: 'Lisbon in the rain?', output: 'Lisbon is', metadata: { outcome: 'aborted' } },
    ]);
    server.close();
  });

  it('keeps the steps of concurrent requests apart', async () => {
    const { phospho, events } = testPhospho();
    const think = phospho.wrap(
      async (text: string) => {
        await new Promise((resolve) => setImmediate(resolve));
        return `thought about ${text}`;
      },
      { name: 'think' },
    );
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', async (req, res) => {
        const content = req.body.messages[0].content;
        await think(content);
        res.json({ content: await think(`${content} again`) });
      }),
    );
    const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`);
    await Promise.all(
      texts.map((content) =>
        request(app)
          .post('/chat')
          .send({ messages: [{ role: 'user', content }] }),
      ),
    );
    const recorded = await events();
    expect(recorded).toHaveLength(20);
    for (const { input, output, steps } of recorded) {
      expect(steps?.map((step) => [step.name, step.input])).toEqual([
        ['think', input],
        ['think', `${input} again`],
      ]);
      expect(output).toBe(`thought about ${input} again`);
    }
  });

  it('fills a task from its outermost step where the bodies say nothing', async () => {
    const { phospho, events } = testPhospho();
    const answer = phospho.wrap(async (question: string) => `answer to ${question}`);
    const app = appWith(phospho, (routes) =>
      routes.post('/odd', async (req, res) => {
        res.json({ x: { y: await answer(req.body.a.b) } });
      }),
    );
    await request(app)
      .post('/odd')
      .send({ a: { b: 'why?' } });
    expect(await events()).toMatchObject([{ input: 'why?', output: 'answer to why?' }]);
  });

  it('passes everything through where it is disabled', async () => {
    const { phospho, events } = testPhospho({ enabled: false });
    const app = appWith(phospho, (routes) =>
      routes.post('/chat', (req, res) => void res.json({ content: String(req.phospho) })),
    );
    const response = await request(app).post('/chat').send(ASKED);
    expect(response.body).toEqual({ content: 'undefined' });
    expect(await events()).toEqual([]);
  });

  it('survives option functions that throw', async () => {
    const { phospho, events } = testPhospho({ logLevel: 'silent' });
    const fail = (): never => {
      throw new Error('a hook of the app');
    };
    const app = appWith(
      phospho,
      (routes) => routes.post('/chat', (_req, res) => void res.json({ content: 'fine' })),
      { include: fail, sessionId: fail, userId: fail, metadata: fail, output: fail },
    );
    await request(app).post('/chat').send(ASKED).expect(200);
    expect(await events()).toMatchObject([{ output: 'fine', session_id: 'trip-1' }]);
  });
});

describe('middleware on bare node:http', () => {
  it('records an exchange', async () => {
    const { phospho, events } = testPhospho();
    const middleware = phospho.middleware();
    const server = createServer((req, res) => {
      middleware(req, res, () => {
        res.setHeader('Content-Type', 'text/event-stream');
        res.end('data: {"text":"bare"}\n\n');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [response] = await once(get({ port, path: '/?prompt=hello' }), 'response');
    response.resume();
    await once(response, 'end');
    expect(await events()).toMatchObject([{ input: 'hello', output: 'bare' }]);
    server.close();
  });
});

describe('middleware options', () => {
  it.each([
    [{ inclued: ['/x'] }, /no option "inclued"; it takes: include/],
    [{ flushBeforeEnd: 2_000 }, /flushBeforeEnd must be a boolean or \{ timeoutMs \}, .*got 2000/],
    [{ flushBeforeEnd: null }, /flushBeforeEnd .*got null/],
    [{ flushBeforeEnd: () => true }, /flushBeforeEnd .*got a function/],
    [{ flushBeforeEnd: { timeout: 5 } }, /flushBeforeEnd .*got \{ timeout \}/],
    [{ flushBeforeEnd: { timeoutMs: 0 } }, /from 1 to 30000, got \{ timeoutMs: 0 \(number\) \}/],
    [{ flushBeforeEnd: { timeoutMs: 30_001 } }, /from 1 to 30000, got/],
    [{ flushBeforeEnd: { timeoutMs: 1.5 } }, /whole number .*got \{ timeoutMs: 1.5 \(number\) \}/],
    [{ flushBeforeEnd: { timeoutMs: '5' } }, /whole number .*got \{ timeoutMs: "5" \(string\) \}/],
    [{ publish: 'body' }, /publish must be "headers" or "none", got "body"/],
    [{ include: 'api' }, /include must be a function or a list of paths/],
  ])('refuses %o and says what it takes', (options, message) => {
    const { phospho } = testPhospho();
    expect(() => phospho.middleware(options as MiddlewareOptions)).toThrow(message);
  });
});
