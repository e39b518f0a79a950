import { Script } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAll, record } from '../../decorators/recording.ts';

const trap = (): never => {
  throw new Error('a trap');
};
const TRAPS = [
  'get',
  'has',
  'ownKeys',
  'getPrototypeOf',
  'getOwnPropertyDescriptor',
  'defineProperty',
] as const;

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const cycle: { [key: string]: unknown } = { name: 'cycle' };
cycle.self = cycle;

/** What an app may hold that is hard to look at. */
const awkward: [string, unknown][] = [
  ['a cycle', cycle],
  ['a BigInt', 12345678901234567890n],
  ['an object with a BigInt', { big: 1n }],
  ['a throwing getter', Object.defineProperty({}, 'content', { get: trap, enumerable: true })],
  ['a throwing toJSON', { toJSON: trap }],
  ['a getter `then` that throws', Object.defineProperty({}, 'then', { get: trap })],
  ['a revoked proxy', revoked()],
  [
    'a proxy all of whose traps throw',
    new Proxy({}, Object.fromEntries(TRAPS.map((t) => [t, trap]))),
  ],
  ...TRAPS.map((name): [string, unknown] => [
    `a proxy whose trap ${name} throws`,
    new Proxy({ a: 1 }, { [name]: trap }),
  ]),
  ['a symbol', Symbol('s')],
  ['a function', () => 1],
  ['a function with a throwing name', Object.defineProperty(() => 1, 'name', { get: trap })],
  ['a frozen object', Object.freeze({ a: Object.freeze([1]) })],
  ['a frozen iterator', Object.freeze([1, 2].values())],
  ['a frozen async iterable', Object.freeze({ [Symbol.asyncIterator]: trap })],
  ['an object without a prototype', Object.create(null)],
  ['no date', new Date(Number.NaN)],
  ['a map of objects', new Map([[{ a: 1 }, 2]])],
  ['a buffer', Buffer.alloc(100_000)],
  ['a typed array', new Float64Array(10)],
  ['a list of a million holes', new Array(1e6)],
  ['what only looks like a promise', Object.create(Promise.prototype)],
  ['own __proto__', JSON.parse('{"__proto__": {"content": "x"}}')],
  ['an error with odd members', Object.assign(new Error('x'), { message: 1n, name: Symbol('n') })],
];

describe.each(awkward)('%s', (_what, value) => {
  it('passes as an argument, and the call is recorded', async () => {
    const { phospho, event } = record();
    const identity = phospho.wrap(
      (given: unknown, _second?: unknown) => ({ given }).given === value,
    );
    expect(identity(value, 'x')).toBe(true);
    const { output, metadata } = await event();
    expect({ output, outcome: metadata?.outcome }).toEqual({ output: 'true', outcome: 'complete' });
  });

  it('passes as a result, and the call is recorded', async () => {
    const { phospho, event } = record();
    const give = phospho.wrap((_question: string) => value);
    expect(Object.is(give('why?'), value)).toBe(true);
    const recorded = await event();
    expect(recorded.input).toBe('why?');
    expect(JSON.stringify(recorded)).not.toContain('[object Object]');
  });

  it('passes as `this`', async () => {
    const { phospho, event } = record();
    const self = phospho.wrap(function (this: unknown): boolean {
      return this === value;
    });
    expect(self.call(value)).toBe(true);
    await event();
  });

  it('passes as what is thrown, and as an item of a stream', async () => {
    const { phospho, events } = record();
    let thrown: unknown;
    try {
      phospho.wrap(() => {
        throw value;
      })();
    } catch (caught) {
      thrown = caught;
    }
    expect(Object.is(thrown, value)).toBe(true);
    const list = phospho.wrap(function* () {
      yield value;
    });
    expect(Object.is([...list()][0], value)).toBe(true);
    expect(await events()).toHaveLength(2);
  });

  it('passes by hand, as metadata and to hooks', async () => {
    const { phospho, events } = record();
    if (value !== undefined) phospho.log({ input: value, output: value, metadata: { value } });
    const give = () => value as never;
    const options = { input: give, output: give, sessionId: give, userId: give, metadata: give };
    expect(phospho.wrap(() => 1, options)()).toBe(1);
    expect(await events()).toHaveLength(2);
  });
});

describe('an error', () => {
  const FAR = new Script('new RangeError("too far")');

  it('of another realm, as code in a test of Jest’s has them, is told by name and message', async () => {
    const { phospho, event } = record();
    const far: unknown = FAR.runInNewContext();
    expect(far instanceof Error).toBe(false);
    const fail = phospho.wrap(() => Promise.reject(far));
    await expect(fail()).rejects.toBe(far);
    expect((await event()).metadata).toMatchObject({ error: 'RangeError: too far' });
  });

  it('whose class has not named it is told by its class under `capture: metadata`', async () => {
    const { phospho, events } = record({ capture: 'metadata' });
    class AuthenticationError extends Error {}
    for (const error of [new AuthenticationError('of Ada'), FAR.runInNewContext()]) {
      const fail = phospho.wrap(() => {
        throw error;
      });
      expect(fail).toThrow();
    }
    const errors = (await events()).map(({ metadata }) => metadata?.error);
    expect(errors).toEqual(['AuthenticationError', 'RangeError']);
  });
});

describe('a value of any size', () => {
  it.each([
    ['a list of as many holes as there can be', new Array(2 ** 32 - 1), '[null,null'],
    [
      'a map of half a million entries',
      new Map(Array.from({ length: 500_000 }, (_, i) => [`k${i}`, i])),
      '{"k0":0,"k1":1',
    ],
  ])('%s is recorded by its beginning', async (_what, value, begin) => {
    const { phospho, event } = record();
    expect(phospho.wrap(() => value)()).toBe(value);
    const { output } = await event();
    expect(output?.slice(0, begin.length)).toBe(begin);
  });
});

describe('metadata without bounds', () => {
  it('takes no place of how the call ended', async () => {
    const { phospho, event } = record();
    const metadata = { rows: Array.from({ length: 60_000 }, () => ({})) };
    const fail = phospho.wrap(
      () => {
        throw new Error('of the app');
      },
      { metadata: () => metadata },
    );
    expect(fail).toThrow('of the app');
    expect((await event()).metadata).toMatchObject({
      outcome: 'error',
      latency_ms: expect.any(Number),
    });
  });

  it('that are bytes are left out', async () => {
    const { phospho, event } = record();
    const bytes = { metadata: () => Buffer.from('bytes') as never };
    phospho.wrap(() => 'x', { ...bytes, name: 'given' })();
    expect((await event()).metadata).toEqual({
      name: 'given',
      outcome: 'complete',
      latency_ms: expect.any(Number),
    });
  });
});

describe('what only resembles what an SDK gives', () => {
  it('a stream under a name of the AI SDK’s is left where it is', async () => {
    const { phospho, event } = record();
    const baseStream = new ReadableStream<string>({
      start(controller) {
        controller.enqueue('x');
        controller.close();
      },
    });
    const given = phospho.wrap(() => ({ baseStream }))();
    expect(given.baseStream).toBe(baseStream);
    expect(baseStream.locked).toBe(false);
    expect(await baseStream.getReader().read()).toEqual({ done: false, value: 'x' });
    await event();
  });

  it('a proxy that has a function under any name is a value, and nothing is put on it', async () => {
    const { phospho, event } = record();
    const defined: PropertyKey[] = [];
    const proxy: object = new Proxy(
      {},
      {
        get: (_target, name) => (name === 'then' ? undefined : () => proxy),
        defineProperty(target, name, property) {
          defined.push(name);
          return Reflect.defineProperty(target, name, property);
        },
      },
    );
    expect(Object.is(phospho.wrap(() => proxy)(), proxy)).toBe(true);
    expect(defined).toEqual([]);
    expect(await event()).toMatchObject({ metadata: { outcome: 'complete' } });
  });
});

describe('an iterator of unusual make', () => {
  it('gives its reader the very results that it gives', async () => {
    const { phospho, event } = record();
    const results = [
      { done: false, value: 'a' },
      { done: true, value: undefined },
    ];
    const iterator = {
      next: () => results.shift(),
      [Symbol.iterator]() {
        return this;
      },
    };
    const [first, last] = results;
    const given = phospho.wrap(() => iterator)();
    expect(given).toBe(iterator);
    expect(given.next()).toBe(first);
    expect(given.next()).toBe(last);
    expect(await event()).toMatchObject({ output: 'a', metadata: { outcome: 'complete' } });
  });

  it.each(TRAPS)('may stand behind a proxy whose trap %s throws', async (name) => {
    const { phospho } = record();
    const proxy = new Proxy([1].values(), { [name]: trap });
    expect(Object.is(phospho.wrap(() => proxy)(), proxy)).toBe(true);
    const [same] = await phospho.wrap(async () => [proxy])();
    expect(Object.is(same, proxy)).toBe(true);
  });

  it('may give results that cannot be read', async () => {
    const { phospho } = record();
    const result = Object.defineProperty({}, 'done', { get: trap });
    const iterator = { next: () => result, [Symbol.iterator]: () => [] };
    expect(
      phospho
        .wrap(() => iterator)()
        .next(),
    ).toBe(result);
  });

  it('may answer with thenables', async () => {
    const { phospho, event } = record();
    let left = 2;
    const iterable = {
      [Symbol.asyncIterator]: () => ({
        next: () => ({
          // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
          then: (resolve: (result: unknown) => void) => {
            resolve(left-- > 0 ? { done: false, value: 'x' } : { done: true });
          },
        }),
      }),
    } as unknown as AsyncIterable<string>;
    expect(await readAll(phospho.wrap(() => iterable)())).toEqual(['x', 'x']);
    expect(await event()).toMatchObject({ output: 'xx' });
  });

  it('may answer with promises of a class of its own, or with lazy ones', async () => {
    const { phospho, event } = record();
    class Own<T> extends Promise<T> {}
    let starts = 0;
    const last = {
      // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
      then: (resolve: (result: unknown) => void) => {
        starts += 1;
        resolve({ done: true });
      },
    };
    const answers: unknown[] = [Own.resolve({ done: false, value: 'x' }), last];
    const [first] = answers;
    const iterator = phospho.wrap(() => ({
      next: () => answers.shift(),
      [Symbol.asyncIterator]() {
        return this;
      },
    }))();
    const given = iterator.next();
    expect(given).toBe(first);
    expect(await given).toEqual({ done: false, value: 'x' });
    const end = iterator.next();
    expect(end).toBe(last);
    await null;
    expect(starts).toBe(0);
    expect(await end).toEqual({ done: true });
    expect(await end).toEqual({ done: true });
    expect(await event()).toMatchObject({ output: 'x', metadata: { outcome: 'complete' } });
  });

  it('a generator may ask itself for more: it is refused, and goes on', async () => {
    const { phospho, event } = record();
    const self: Generator<string>[] = [];
    const ask = phospho.wrap(function* (): Generator<string> {
      try {
        self[0]?.next();
      } catch (error) {
        yield (error as Error).name;
      }
      yield ' and on';
    });
    self.push(ask());
    expect([...self[0]!]).toEqual(['TypeError', ' and on']);
    expect(await event()).toMatchObject({
      output: 'TypeError and on',
      metadata: { outcome: 'complete' },
    });
  });

  it('may be made by something that gives no object', async () => {
    const { phospho } = record();
    const iterable = { [Symbol.asyncIterator]: () => null };
    expect(
      phospho
        .wrap(() => iterable)()
        [Symbol.asyncIterator](),
    ).toBe(null);
  });
});

describe('any value', () => {
  it('passes through a wrapped function unchanged, and is recorded as JSON that can be read', async () => {
    const { phospho, events, reset } = record();
    const pass = phospho.wrap((value: unknown) => value);
    await fc.assert(
      fc.asyncProperty(
        fc.anything({
          withBigInt: true,
          withMap: true,
          withSet: true,
          withTypedArray: true,
          withDate: true,
          withNullPrototype: true,
          withSparseArray: true,
          withObjectString: false,
        }),
        async (value) => {
          reset();
          expect(Object.is(pass(value), value)).toBe(true);
          const [event, ...more] = await events();
          expect(more).toEqual([]);
          if (typeof value === 'string') expect(event?.output).toBe(value);
          else expect(event?.output ?? '').not.toContain('[object Object]');
        },
      ),
    );
  });
});
