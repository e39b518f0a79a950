import express from 'express';
import { logTask, PhosphoArgumentError, type PhosphoOptions } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it, vi } from 'vitest';
import { type Finishing, illServer } from './helpers/ill-server.ts';
import { scaled, TEST_MS } from './helpers/scale.ts';
import { expectNothingUncaught } from './helpers/uncaught.ts';
import { watch } from './helpers/watched.ts';

expectNothingUncaught();

const trap = (): never => {
  throw new Error('a trap');
};

/** It can be awaited, and nothing else. */
const shy = new Proxy(
  {},
  { get: (_, key) => (key === 'then' ? undefined : trap()), ownKeys: trap, has: trap },
);

function nested(depth: number, inner: unknown = 'core'): unknown {
  let value = inner;
  for (let level = 0; level < depth; level++) value = level % 2 ? [value] : { value };
  return value;
}

function cyclic(): object {
  const value: { [key: string]: unknown } = { list: [] };
  value.self = value;
  (value.list as unknown[]).push(value, [value]);
  return value;
}

/** More than is kept of one value. */
const MANY = scaled(60_000, 1_000_000);

/** Made anew for each test: a million keys are not kept longer than needed. */
const values: [string, () => unknown][] = [
  [`${MANY} keys`, () => Object.fromEntries(Array.from({ length: MANY }, (_, n) => [`k${n}`, n]))],
  [`a list of ${MANY}`, () => Array.from({ length: MANY }, (_, n) => n)],
  [`a map of ${MANY}`, () => new Map(Array.from({ length: MANY }, (_, n) => [n, n]))],
  ['a hundred thousand levels', () => nested(1e5)],
  ['a cycle at the end of many levels', () => nested(5_000, cyclic())],
  ['cycles', cyclic],
  ['BigInts', () => ({ big: 10n ** 400n, list: [1n] })],
  [
    'getters that throw',
    () => Object.defineProperty({ a: 1 }, 'b', { get: trap, enumerable: true }),
  ],
  ['a toJSON that throws', () => ({ toJSON: trap })],
  [
    'a toJSON without end',
    () => {
      const value = { toJSON: () => ({ ...value }) };
      return value;
    },
  ],
  ['a proxy that throws', () => shy],
  [`a string of ${MANY * 40} characters`, () => 'word '.repeat(MANY * 8)],
  ['halves of surrogate pairs', () => `${'\ud800'.repeat(1_000)}\udfff`],
  ['control characters', () => '\u0000\u001b[31m\u2028\u202e'.repeat(1_000)],
];

/** A Phospho whose events go over a real socket, and what has arrived there. */
async function recorded(t: Finishing, options: PhosphoOptions = {}) {
  const server = await illServer(t);
  const watched = watch(t, { baseUrl: server.url, ...options });
  return {
    ...watched,
    server,
    /** All events, each of a size that phospho takes. */
    events: async () => {
      const ledger = await watched.phospho.flush({ timeoutMs: 60_000 });
      const { captured, delivered } = ledger.events;
      expect({ delivered, drops: watched.drops }).toEqual({ delivered: captured, drops: [] });
      const stored = [...server.double.stored.values()];
      for (const event of stored) expect(JSON.stringify(event).length).toBeLessThan(2_000_000);
      return stored;
    },
  };
}

describe('a value that is hostile', { timeout: TEST_MS * 2 }, () => {
  it.for(values)('(%s) is logged as input, output and metadata', async ([, make], t) => {
    const { phospho, events } = await recorded(t);
    const value = make();
    phospho.log({ input: value, output: 'o', taskId: 'a' });
    phospho.log({ input: 'i', output: value, taskId: 'b' });
    phospho.log({ input: 'i', metadata: { value } as never, taskId: 'c' });
    phospho.log({ input: 'i', metadata: value as never, taskId: 'd' });
    phospho.log({ input: 'i', sessionId: value as never, userId: value as never, taskId: 'e' });
    expect((await events()).map((event) => event.task_id).sort()).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
    ]);
  });

  it.for(values)('(%s) passes a wrapped function, whatever comes of it', async ([, make], t) => {
    const { phospho, events } = await recorded(t);
    const value = make();
    const give = phospho.wrap((_given: unknown): unknown => value, {
      metadata: () => ({ value }) as never,
    });
    const fail = phospho.wrap((): unknown => {
      throw value;
    });
    const stream = phospho.wrap(async function* () {
      yield value;
    });
    expect(give(value) === value).toBe(true);
    let thrown: unknown;
    try {
      fail();
    } catch (error) {
      thrown = error;
    }
    expect(thrown === value).toBe(true);
    for await (const item of stream()) expect(item === value).toBe(true);
    expect(await events()).toHaveLength(3);
  });

  it.for(values)('(%s) passes a method with @logTask', async ([, make], t) => {
    const { phospho, events } = await recorded(t);
    const value = make();
    class Service {
      readonly held = value;
      @logTask({ sessionId: () => value as string, output: () => value })
      async answer(question: unknown): Promise<unknown> {
        return question;
      }
    }
    // A bare decorator finds its Phospho by the task that it runs in.
    const answered = await phospho.wrap(() => new Service().answer(value))();
    expect(answered === value).toBe(true);
    expect(await events()).toHaveLength(1);
  });

  it.for(values)('(%s) passes a handler, by set() and by its answer', async ([, make], t) => {
    const { phospho, events } = await recorded(t);
    const value = make();
    let json: string | undefined;
    try {
      json = JSON.stringify({ content: value });
    } catch {
      // No app can send it either.
    }
    const app = express().use(phospho.middleware({ include: ['/chat'] }));
    app.post('/chat', (req, res) => {
      const { phospho: handle } = req as { phospho?: { set(fields: object): void } };
      handle?.set({ metadata: { value }, sessionId: value, output: undefined });
      res.type('json').end(json ?? '{"content":"none"}');
    });
    const { text } = await request(app)
      .post('/chat')
      .send({ messages: [{ role: 'user', content: 'Hi' }] });
    expect(text === (json ?? '{"content":"none"}')).toBe(true);
    // The client may have it before the server knows that it has.
    await vi.waitFor(() => expect(phospho.stats().events.captured).toBe(1), { timeout: 10_000 });
    expect(await events()).toHaveLength(1);
  });
});

describe.concurrent('a log() that makes no sense', () => {
  it.for([undefined, null, 7, 'text', {}, { output: 'x' }])(
    '(%j) says what it takes',
    async (value, t) => {
      const { phospho } = await recorded(t);
      expect(() => phospho.log(value as never)).toThrow(PhosphoArgumentError);
    },
  );
});

const SECRET = 'the-secret-of-the-user';

describe.concurrent('a mask', { timeout: TEST_MS }, () => {
  const masks: [string, (text: string) => unknown][] = [
    ['throws', trap],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
    ],
    ['throws for some texts only', (text) => (text.includes(SECRET) ? trap() : text)],
    ['answers nothing', () => undefined],
    ['answers a number', () => 7],
    ['answers a String object', (text) => new String(text)],
    ['answers a promise', (text) => Promise.resolve(text)],
    ['answers a promise that never settles', () => new Promise(() => {})],
    ['answers a promise that rejects', () => Promise.reject(new Error('late'))],
  ];

  it.for(masks)('that %s lets no text leave, and the app run on', async ([, mask], t) => {
    const { phospho, server, events } = await recorded(t, { mask: mask as never });
    phospho.log({ input: SECRET, output: SECRET, taskId: 'a', metadata: { [SECRET]: [SECRET] } });
    expect(phospho.wrap((text: string) => `${text}!`)(SECRET)).toBe(`${SECRET}!`);
    phospho.flag('a', 'failure', { notes: SECRET });
    expect(await events()).toHaveLength(2);
    expect(server.double.flags).toHaveLength(1);
    for (const { body } of server.double.asked) expect(body).not.toContain(SECRET);
  });
});

describe.concurrent('a hook of the user', { timeout: TEST_MS }, () => {
  const hooks: [string, () => unknown][] = [
    ['throws', trap],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
    ],
    ['rejects', () => Promise.reject(new Error('late'))],
    ['never settles', () => new Promise(() => {})],
    ['answers a function', () => trap],
    // biome-ignore lint/suspicious/noThenProperty: that it is one is the point
    ['answers a thenable that throws', () => ({ then: trap })],
    ['answers a proxy that throws', () => new Proxy({}, { get: trap, ownKeys: trap, has: trap })],
    ['answers a symbol', () => Symbol('junk')],
    ['answers NaN', () => Number.NaN],
  ];

  it.for(hooks)(
    'that %s changes nothing for a caller of a wrapped function',
    async ([, hook], t) => {
      const { phospho, events } = await recorded(t);
      const options = {
        input: hook,
        output: hook,
        sessionId: hook,
        userId: hook,
        metadata: hook,
        name: 'f',
      };
      const sum = phospho.wrap((a: number, b: number) => a + b, options as never);
      expect(sum(1, 2)).toBe(3);
      expect(await events()).toHaveLength(1);
    },
  );

  it.for(hooks)('that %s changes nothing for a client of the app', async ([, hook], t) => {
    const { phospho, drops } = await recorded(t);
    const options = { input: hook, output: hook, sessionId: hook, userId: hook, metadata: hook };
    const app = express().use(
      phospho.middleware({ ...options, versionId: hook, include: hook } as never),
    );
    app.post('/chat', (_req, res) => void res.json({ content: 'Hello' }));
    const { body } = await request(app)
      .post('/chat')
      .send({ messages: [{ role: 'user', content: 'Hi' }] });
    expect(body).toEqual({ content: 'Hello' });
    await phospho.flush();
    expect(drops).toEqual([]);
  });

  it.for(hooks)('that %s changes nothing for what an exporter is given', async ([, hook], t) => {
    const onHook = hook as never;
    const { phospho, server } = await recorded(t, {
      onDrop: onHook,
      onError: onHook,
      onAccepted: onHook,
      onDelivered: onHook,
      logger: { debug: onHook, info: onHook, warn: onHook, error: onHook },
      logLevel: 'debug',
    });
    server.double.script = [{ status: 500 }];
    server.double.errorInLog = ({ task_id }) => (task_id === 'bad' ? 'bad' : undefined);
    for (const taskId of ['a', 'bad', 'b']) phospho.log({ input: 'x', taskId });
    const { events } = await phospho.flush();
    expect(events).toMatchObject({ delivered: 2, deadLettered: 1, dropped: {} });
  });

  it.for(hooks)('that is an exporter and %s loses nothing, or counts it', async ([, hook], t) => {
    const { phospho, drops } = watch(t, {
      exporter: { export: hook, flag: hook, shutdown: hook } as never,
    });
    for (const taskId of ['a', 'b']) phospho.log({ input: 'x', taskId });
    phospho.flag('elsewhere', 'success');
    await phospho.flush({ timeoutMs: 700 });
    const { events, flags } = await phospho.shutdown({ timeoutMs: 500 });
    const { queued, inFlight, delivered, dropped } = events;
    expect({ queued, inFlight }).toEqual({ queued: 0, inFlight: 0 });
    expect(delivered + (dropped.shutdown ?? 0)).toBe(2);
    expect(flags.delivered + (flags.dropped.shutdown ?? 0)).toBe(1);
    expect(drops.reduce((sum, { count }) => sum + count, 0)).toBe(3 - delivered - flags.delivered);
  });
});
