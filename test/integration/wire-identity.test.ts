import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Middleware } from 'phospho-express';
import { afterEach, describe, expect, it } from 'vitest';
import { EXPRESS_VERSIONS, type ExpressModule } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';

/** Programs tried per configuration; raise it to search longer. */
const RUNS = Number(process.env.WIRE_RUNS ?? 60);

type Headers = readonly (readonly [name: string, value: string])[];
type Encoding = BufferEncoding | undefined;

/** What a handler does, one step after the other; the connection always ends. */
type Step =
  | { do: 'setHeader'; name: string; value: string | string[] }
  | { do: 'writeHead'; form: (typeof FORMS)[number]; status: number; headers: Headers }
  | {
      do: 'write' | 'end';
      data: string;
      as: 'string' | 'buffer' | 'bytes' | 'nothing' | 'number' | 'null';
      encoding: Encoding;
      callback: boolean;
      reuse: boolean;
    }
  | { do: 'flushHeaders' | 'turn' | 'destroy' | 'earlyHints' | 'removeHeader' | 'throw' }
  | { do: 'pipe' | 'send' | 'json'; data: string };

interface Asked {
  method: 'GET' | 'HEAD' | 'POST';
  body: string | undefined;
  expectContinue: boolean;
  version: '1.0' | '1.1';
}

/** All that a client, or the handler itself, can tell of one exchange. */
interface Seen {
  wire: string;
  returned: string[];
  later: string[];
}

const FORMS = [
  'status',
  'object',
  'reason',
  'reason and object',
  'nothing and object',
  'two objects',
  'flat list',
  'odd list',
  'pairs',
] as const;

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    'data: {"choices":[{"index":0,"delta":{"content":"é"}}]}\n\n',
    '{"object":"chat.completion","choices":[]}',
    '{"content":"☔"}',
    '68656c6c6f',
    'x'.repeat(40_000),
  ),
);
const headers = fc.array(
  fc.constantFrom<readonly [string, string]>(
    ['Content-Type', 'application/json'],
    ['content-type', 'text/event-stream'],
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Cache-Control', 'public, max-age=9'],
    ['X-Mine', 'one'],
    ['x-mine', 'two'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Access-Control-Expose-Headers', 'X-Mine'],
  ),
  { maxLength: 4 },
);
const body = (kind: 'write' | 'end') =>
  fc.record({
    do: fc.constant(kind),
    data: texts,
    as: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('string', 'buffer', 'bytes') },
      { weight: 1, arbitrary: fc.constantFrom('nothing', 'number', 'null') },
    ),
    encoding: fc.constantFrom<Encoding>(undefined, 'utf8', 'latin1', 'hex', 'base64', 'utf16le'),
    callback: fc.boolean(),
    reuse: fc.boolean(),
  }) as fc.Arbitrary<Step>;
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: body('write') },
  { weight: 2, arbitrary: body('end') },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('writeHead'),
      form: fc.constantFrom(...FORMS),
      status: fc.constantFrom(200, 200, 201, 204, 304, 404, 500, 99),
      headers,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('setHeader'),
      name: fc.constantFrom(
        'Content-Type',
        'x-mine',
        'Access-Control-Expose-Headers',
        'Set-Cookie',
      ),
      value: fc.constantFrom<string | string[]>('application/json', ['a', 'b'], 'text/plain'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('flushHeaders', 'turn', 'turn', 'earlyHints', 'removeHeader', 'throw'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy') }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('pipe', 'send', 'json'), data: texts }),
  },
) as fc.Arbitrary<Step>;
const programs = fc.array(step, { maxLength: 9 });
const CHAT: Asked = {
  method: 'POST',
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon?' }], session_id: 's' }),
  expectContinue: false,
  version: '1.1',
};
const requests: fc.Arbitrary<Asked> = fc.record({
  method: fc.constantFrom('POST', 'POST', 'POST', 'GET', 'HEAD'),
  body: fc.constantFrom(
    CHAT.body,
    JSON.stringify({ prompt: 'Lisbon?' }),
    JSON.stringify({ tea: 2 }),
    '{"messages": [',
    undefined,
  ),
  expectContinue: fc.boolean(),
  version: fc.constantFrom('1.1', '1.1', '1.0'),
});

function writeHead(res: ServerResponse, { form, status, headers }: Step & { do: 'writeHead' }) {
  const [object, flat] = [Object.fromEntries(headers), headers.flat()];
  const call = (...args: unknown[]): unknown =>
    (res.writeHead as (...args: unknown[]) => unknown).apply(res, args);
  switch (form) {
    case 'status':
      return call(status);
    case 'object':
      return call(status, object);
    case 'reason':
      return call(status, 'Fine');
    case 'reason and object':
      return call(status, 'Fine', object);
    case 'nothing and object':
      return call(status, undefined, object);
    case 'two objects':
      return call(status, { 'X-First': '1' }, object);
    case 'flat list':
      return call(status, flat);
    case 'odd list':
      return call(status, [...flat, 'X-Odd']);
    case 'pairs':
      return call(
        status,
        headers.map((pair) => [...pair]),
      );
  }
}

/** Runs one program on a response and notes what it can tell. */
async function run(program: readonly Step[], res: ServerResponse, seen: Seen): Promise<void> {
  const note = (work: () => unknown): void => {
    let result: string;
    try {
      const value = work();
      result = value === res ? 'res' : String(value);
    } catch (error) {
      result = `threw ${codeOf(error)}`;
    }
    seen.returned.push(`${result} ${res.headersSent} ${res.writableEnded}`);
  };
  for (const event of ['finish', 'close', 'error', 'drain', 'pipe', 'unpipe']) {
    res.on(event, (error?: unknown) => seen.later.push(`${event} ${codeOf(error)}`));
  }
  for (const [at, step] of program.entries()) {
    switch (step.do) {
      case 'setHeader':
        note(() => res.setHeader(step.name, step.value));
        break;
      case 'removeHeader':
        note(() => res.removeHeader('x-mine'));
        break;
      case 'writeHead':
        note(() => writeHead(res, step));
        break;
      case 'write':
      case 'end':
        note(() => writeBody(res, step, (error) => seen.later.push(`${at} ${codeOf(error)}`)));
        break;
      case 'flushHeaders':
        note(() => res.flushHeaders());
        break;
      case 'earlyHints':
        note(() => res.writeEarlyHints({ link: '</a.css>; rel=preload' }));
        break;
      case 'destroy':
        note(() => res.destroy());
        break;
      case 'turn':
        await turn();
        break;
      case 'pipe':
        if (!res.headersSent && !res.destroyed) {
          note(() => Readable.from([Buffer.from(step.data), Buffer.from('!')]).pipe(res));
          await closed(res);
        }
        break;
      case 'send':
      case 'json':
        note(() => {
          const answer = res as unknown as {
            send?(data: string): unknown;
            json?(data: object): unknown;
          };
          if (step.do === 'json' && answer.json) return answer.json({ content: step.data });
          return answer.send ? answer.send(step.data) : res.end(step.data);
        });
        break;
      case 'throw':
        throw new Error('of the app');
    }
  }
  if (!res.writableEnded && !res.destroyed) note(() => res.end('.'));
}

function writeBody(
  res: ServerResponse,
  step: Step & { do: 'write' | 'end' },
  onDone: (error?: unknown) => void,
): unknown {
  const bytes = Buffer.from(step.data);
  const chunk = {
    // Node itself aborts on a string that is no hex.
    string: step.encoding === 'hex' ? bytes.toString('hex') : step.data,
    buffer: bytes,
    bytes: new Uint8Array(bytes),
    nothing: undefined,
    number: 42,
    null: null,
  }[step.as];
  const done = (error?: unknown): void => {
    if (step.reuse && chunk instanceof Uint8Array) chunk.fill(122);
    onDone(error);
  };
  const args: unknown[] = step.as === 'nothing' && step.do === 'end' ? [] : [chunk];
  if (step.encoding !== undefined && args.length > 0) args.push(step.encoding);
  if (step.callback) args.push(done);
  return (res[step.do] as (...args: unknown[]) => unknown).apply(res, args);
}

/** Unlike `once`, not to be rejected by an 'error' before. */
function closed(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    res.once('close', resolve);
  });
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return String((error as { code?: unknown }).code ?? error.message);
}

/** A server that runs whatever program is set, behind a middleware or alone. */
class Stage {
  program: readonly Step[] = [];
  seen: Seen = { wire: '', returned: [], later: [] };
  #closed: Promise<unknown> = Promise.resolve();
  readonly #server: Server;

  constructor(
    make: (handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>) => Server,
  ) {
    this.#server = make(async (_req, res) => {
      this.#closed = closed(res);
      await run(this.program, res, this.seen);
    }).listen(0, '127.0.0.1');
  }

  async play(program: readonly Step[], asked: Asked, origin: boolean): Promise<Seen> {
    if (!this.#server.listening) await once(this.#server, 'listening');
    this.program = program;
    this.seen = { wire: '', returned: [], later: [] };
    const { port } = this.#server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.write(requestText(asked, origin));
    await once(socket, 'close');
    await this.#closed;
    await turn();
    const wire = Buffer.concat(chunks).toString('latin1');
    return { ...this.seen, wire: wire.replace(/^Date: .*\r\n/gm, '') };
  }

  close(): void {
    this.#server.close();
  }
}

function requestText({ method, body, expectContinue, version }: Asked, origin: boolean): string {
  const lines = [`${method} /chat HTTP/${version}`, 'Host: localhost', 'Connection: close'];
  if (origin) lines.push('Origin: https://app.example');
  if (expectContinue && version === '1.1') lines.push('Expect: 100-continue');
  if (method !== 'POST' || body === undefined) return [...lines, '', ''].join('\r\n');
  lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`);
  return [...lines, '', body].join('\r\n');
}

/** How the app's errors end: with an answer where one is possible still. */
function fail(res: ServerResponse): void {
  if (res.headersSent) res.destroy();
  else res.writeHead(500, { 'X-Failed': 'yes' }).end('oops');
}

function bare(middleware: Middleware | undefined, reads: boolean): Stage {
  return new Stage((handle) =>
    createServer((req, res) => {
      const answer = (): void => void handle(req, res).catch(() => fail(res));
      const next = (): void => {
        if (reads) req.resume().once('end', answer);
        else answer();
      };
      if (middleware) middleware(req, res, next);
      else next();
    }),
  );
}

function onExpress(
  express: ExpressModule,
  middleware: Middleware | undefined,
  parser: 'before' | 'after',
): Stage {
  return new Stage((handle) => {
    const app = express();
    if (parser === 'before') app.use(express.json());
    if (middleware) app.use(middleware);
    if (parser === 'after') app.use(express.json());
    app.use((req, res, next) => void handle(req, res).catch(next));
    app.use(((_error, _req, res, _next) =>
      fail(res)) satisfies import('express').ErrorRequestHandler);
    return createServer(app);
  });
}

const TOKEN_LINES = /^X-Phospho-(Task-Id: task_[0-9a-f-]{36}|Feedback-Token: v1\.\S+)\r\n/gm;
const EXPOSED = 'X-Phospho-Task-Id, X-Phospho-Feedback-Token';

/** What was sent, without what we may add; the one header that we may extend goes last. */
function withoutOurs(wire: string): { rest: string; exposed: string[]; ours: number } {
  const end = wire.lastIndexOf('HTTP/1.1 ');
  const headEnd = wire.indexOf('\r\n\r\n', end);
  const head = wire.slice(0, headEnd + 2);
  const ours = head.match(TOKEN_LINES)?.length ?? 0;
  const exposed = [...head.matchAll(/^Access-Control-Expose-Headers: (.*)\r\n/gim)]
    .flatMap(([, value]) => (value ?? '').split(EXPOSED))
    .flatMap((value) => value.split(', ').filter((name) => name !== ''));
  const rest = head.replace(TOKEN_LINES, '').replace(/^Access-Control-Expose.*\r\n/gim, '');
  return { rest: rest + wire.slice(headEnd + 2), exposed, ours };
}

const ANSWERS_EARLY = 'bare node:http, answering before it has the body';

/** Found by a long run: what Node sends of a name that is twice in a list differs between its lines. */
const TWICE_EXPOSED: Step[] = [
  {
    do: 'writeHead',
    form: 'flat list',
    status: 200,
    headers: [
      ['Access-Control-Expose-Headers', 'X-Mine'],
      ['Access-Control-Expose-Headers', 'X-Other'],
    ],
  },
];

const STACKS: [string, (middleware: Middleware | undefined) => Stage][] = [
  ['bare node:http', (middleware) => bare(middleware, true)],
  [ANSWERS_EARLY, (middleware) => bare(middleware, false)],
  ...EXPRESS_VERSIONS.flatMap(([name, express]) =>
    (['before', 'after'] as const).map((parser): (typeof STACKS)[number] => [
      `${name}, parser ${parser} the middleware`,
      (middleware) => onExpress(express, middleware, parser),
    ]),
  ),
];

describe.each(STACKS)('an app on %s', (name, stage) => {
  const stages: Stage[] = [];
  const open = (middleware?: Middleware): Stage => {
    const opened = stage(middleware);
    stages.push(opened);
    return opened;
  };
  afterEach(() => {
    for (const opened of stages.splice(0)) opened.close();
  });

  it("sends the same bytes, and sees the same results, behind publish: 'none'", async () => {
    const { phospho } = testPhospho({ logLevel: 'silent' });
    const [without, behind] = [open(), open(phospho.middleware({ publish: 'none' }))];
    await fc.assert(
      fc.asyncProperty(programs, requests, fc.boolean(), async (program, asked, origin) => {
        const expected = await without.play(program, asked, origin);
        expect(await behind.play(program, asked, origin)).toEqual(expected);
      }),
      { numRuns: RUNS, timeout: 4_000, examples: [[[], CHAT, true]] },
    );
    // Not by recording nothing.
    if (name !== ANSWERS_EARLY) expect(phospho.stats().events.captured).toBeGreaterThan(0);
  }, 120_000);

  it("differs behind publish: 'headers' by those headers alone", async () => {
    const { phospho } = testPhospho({ logLevel: 'silent' });
    const [without, behind] = [open(), open(phospho.middleware())];
    let published = 0;
    await fc.assert(
      fc.asyncProperty(programs, requests, fc.boolean(), async (program, asked, origin) => {
        const expected = await without.play(program, asked, origin);
        const actual = await behind.play(program, asked, origin);
        const { ours, ...sent } = withoutOurs(actual.wire);
        expect({ ...sent, ours: 0 }).toEqual(withoutOurs(expected.wire));
        expect([0, 2]).toContain(ours);
        expect([actual.returned, actual.later]).toEqual([expected.returned, expected.later]);
        published += ours;
      }),
      {
        numRuns: RUNS,
        timeout: 4_000,
        examples: [
          [[], CHAT, true],
          [TWICE_EXPOSED, CHAT, true],
        ],
      },
    );
    if (name !== ANSWERS_EARLY) expect(published).toBeGreaterThan(0);
  }, 120_000);
});
