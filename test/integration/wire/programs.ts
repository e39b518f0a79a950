import fc from 'fast-check';

type Headers = readonly (readonly [name: string, value: string])[];
type Encoding = BufferEncoding | undefined;

/** What a handler does, one step after the other; the connection always ends. */
export type Step =
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
  | {
      do:
        | 'flushHeaders'
        | 'turn'
        | 'destroy'
        | 'earlyHints'
        | 'removeHeader'
        | 'throw'
        | 'cork'
        | 'trailers'
        // Of compression.
        | 'flush'
        // The client leaves; what follows is a late answer.
        | 'leave';
    }
  | { do: 'pipe' | 'send' | 'json'; data: string };

export interface Asked {
  method: 'GET' | 'HEAD' | 'POST';
  body: string | undefined;
  expectContinue: boolean;
  version: '1.0' | '1.1';
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
      do: fc.constantFrom(
        ...(['flushHeaders', 'turn', 'turn', 'earlyHints', 'removeHeader', 'throw'] as const),
        ...(['cork', 'trailers', 'flush'] as const),
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('destroy', 'leave') }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('pipe', 'send', 'json'), data: texts }),
  },
) as fc.Arbitrary<Step>;
/** Steps that end the response. */
export const ENDS: readonly string[] = ['end', 'pipe', 'send', 'json'];
export const programs = fc.array(step, { maxLength: 9 });
export const CHAT: Asked = {
  method: 'POST',
  body: JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon?' }], session_id: 's' }),
  expectContinue: false,
  version: '1.1',
};
export const requests: fc.Arbitrary<Asked> = fc.record({
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
