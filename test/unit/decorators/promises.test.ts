import { AsyncLocalStorage } from 'node:async_hooks';
import OpenAI from 'openai';
import type { APIPromise } from 'openai/core/api-promise';
import { describe, expect, it } from 'vitest';
import { outline, readAll, record, unhandledDuring } from '../../decorators/recording.ts';

/** Lazy, as query builders are: work starts when it is consumed. */
class Query implements PromiseLike<string> {
  runs = 0;
  readonly #work: () => Promise<string>;

  constructor(work: () => Promise<string> = async () => 'rows') {
    this.#work = work;
  }

  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
  then<A, B>(
    onFulfilled?: ((value: string) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.runs += 1;
    return this.#work().then(onFulfilled, onRejected) as Promise<A | B>;
  }
}

class Cancellable<T> extends Promise<T> {
  cancel(): string {
    return 'cancelled';
  }
}

describe('a promise of another class', () => {
  it('is returned itself, with its members, and recorded when it is awaited', async () => {
    const recording = record();
    const promise = Cancellable.resolve('done') as Cancellable<string>;
    const given = recording.phospho.wrap(() => promise)();
    expect(given).toBe(promise);
    expect(given.cancel()).toBe('cancelled');
    expect(Object.keys(given)).toEqual([]);
    expect(await given).toBe('done');
    expect(await given.finally(() => {})).toBe('done');
    expect(given.then(String)).toBeInstanceOf(Cancellable);
    expect(await recording.event()).toMatchObject({ output: 'done' });
  });

  it('keeps its rejection, and leaves it to the host where nobody handles it', async () => {
    const recording = record();
    const error = new Error('no');
    const reject = recording.phospho.wrap(() => Cancellable.reject(error));
    expect(await reject().catch((caught: unknown) => caught)).toBe(error);
    expect(await unhandledDuring(() => void reject())).toEqual([error]);
    expect(await unhandledDuring(() => void reject().then(() => {}))).toEqual([error]);
    expect((await recording.events()).map((event) => event.metadata?.outcome)).toEqual([
      'error',
      'error',
    ]);
  });

  it('that is lazy is never started by us', async () => {
    const recording = record();
    const query = recording.phospho.wrap(() => new Query())();
    await null;
    expect(query.runs).toBe(0);
    expect(await recording.events()).toEqual([]);
    expect(await query).toBe('rows');
    expect(query.runs).toBe(1);
    expect(await recording.event()).toMatchObject({ output: 'rows' });
  });

  it('that is lazy has what it starts as steps, and its caller keeps the context', async () => {
    const recording = record();
    const { phospho } = recording;
    const step = phospho.wrap(async () => 'rows', { name: 'step' });
    const after = phospho.wrap(() => 'x', { name: 'after' });
    const own = new AsyncLocalStorage<string>();
    const query = phospho.wrap(() => new Query(step), { name: 'query' })();
    const seen = await own.run('mine', () =>
      query.then(() => {
        after();
        return own.getStore();
      }),
    );
    expect(seen).toBe('mine');
    const events = await recording.events();
    expect(events.map((event) => event.metadata?.name)).toEqual(['query', 'after']);
    expect(outline(events[0]!)).toBe('step');
  });

  it('ignores callbacks that are none, as promises do', async () => {
    const { phospho } = record();
    const query = phospho.wrap(() => new Query())();
    expect(await query.then(5 as never, 'x' as never)).toBe('rows');
    expect(await query.then(null, null)).toBe('rows');
  });

  it('handed out by many calls is recorded for each, and grows no layers', async () => {
    const recording = record();
    const query = new Query();
    const connect = recording.phospho.wrap(() => query);
    for (let i = 0; i < 900; i++) connect();
    expect(await query).toBe('rows');
    for (let i = 0; i < 900; i++) connect();
    expect(await query).toBe('rows');
    const events = await recording.events();
    expect(events).toHaveLength(1800);
    expect(events.every((event) => event.output === 'rows')).toBe(true);
    for (let i = 0; i < 20_000; i++) connect();
    expect(await query).toBe('rows');
    await recording.phospho.flush();
  });

  it('that is frozen passes, and only that it was made is recorded', async () => {
    const recording = record();
    const promise = Object.freeze(Cancellable.resolve('done'));
    expect(recording.phospho.wrap(() => promise)()).toBe(promise);
    expect(await promise).toBe('done');
    expect(await recording.event()).toMatchObject({ output: null });
  });
});

describe('a plain promise', () => {
  it('keeps what hangs on it, under names and symbols', async () => {
    const { phospho } = record();
    const close = Symbol('close');
    const made = Object.assign(Promise.resolve('done'), {
      cancel: () => 'cancelled',
      [close]: () => 'closed',
    });
    const given = phospho.wrap(() => made)();
    expect(given.cancel()).toBe('cancelled');
    expect(given[close]()).toBe('closed');
    expect(Object.keys(given)).toEqual(['cancel']);
    expect(await given).toBe('done');
  });

  it('that has a `then` of its own, as a lazy one may, is not started by us', async () => {
    const recording = record();
    let starts = 0;
    const lazy = Promise.resolve('done');
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    lazy.then = function (this: Promise<string>, ...args: [never?, never?]) {
      starts += 1;
      return Promise.prototype.then.apply(this, args);
    } as never;
    const given = recording.phospho.wrap(() => lazy)();
    await null;
    expect(starts).toBe(0);
    // `await` goes by the promise itself.
    expect(await given).toBe('done');
    expect(starts).toBe(0);
    expect(await new Promise((resolve) => given.then(resolve))).toBe('done');
    expect(starts).toBe(1);
    expect(await recording.event()).toMatchObject({ output: 'done' });
  });

  it('that is handed out by many calls and never settles is watched for some of them alone', async () => {
    const recording = record();
    let settle: (value: string) => void = () => {};
    const long = new Promise<string>((resolve) => {
      settle = resolve;
    });
    const ready = recording.phospho.wrap(() => long);
    const given = Array.from({ length: 1_500 }, ready);
    expect(await recording.events()).toHaveLength(500);
    settle('done');
    expect(new Set(await Promise.all(given))).toEqual(new Set(['done']));
    await ready();
    const events = await recording.events();
    expect(events).toHaveLength(1_501);
    expect(events.filter(({ output }) => output === 'done')).toHaveLength(1_001);
  });
});

const completion = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};

function chunk(content: string): string {
  const choices = [{ index: 0, delta: { content } }];
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', model: 'gpt-4o-mini', choices })}\n\n`;
}

/** The real SDK over a made-up network. */
function openai(): { client: OpenAI; requests: () => number } {
  let requests = 0;
  const client = new OpenAI({
    apiKey: 'none',
    baseURL: 'http://openai.invalid/v1',
    maxRetries: 0,
    fetch: async (_url, init) => {
      requests += 1;
      const { stream, model } = JSON.parse(String(init?.body));
      if (model === 'none')
        return Response.json({ error: { message: 'no model' } }, { status: 404 });
      if (!stream) return Response.json(completion, { headers: { 'x-request-id': 'req_1' } });
      return new Response(`${chunk('One ')}${chunk('two ')}${chunk('three')}data: [DONE]\n\n`, {
        headers: { 'content-type': 'text/event-stream' },
      });
    },
  });
  return { client, requests: () => requests };
}

describe("openai's own client behind a wrapped function", () => {
  const messages = [{ role: 'user' as const, content: 'Hello?' }];
  const model = 'gpt-4o-mini';

  it.each([
    ['awaited', (promise: PromiseLike<unknown>) => promise],
    ['with `catch`', (promise: Promise<unknown>) => promise.catch(() => {})],
    ['with `finally`', (promise: Promise<unknown>) => promise.finally(() => {})],
    [
      'with its response',
      async (promise: Promise<unknown>) =>
        (await (promise as APIPromise<unknown>).withResponse()).data,
    ],
  ])('answers a completion %s, by one request and one record', async (_how, consume) => {
    const recording = record();
    const { client, requests } = openai();
    const ask = recording.phospho.wrap((body: OpenAI.ChatCompletionCreateParamsNonStreaming) =>
      client.chat.completions.create(body),
    );
    const promise = ask({ model, messages });
    expect(promise.withResponse).toBeTypeOf('function');
    expect(await consume(promise)).toMatchObject({ id: 'chatcmpl-1' });
    await promise;
    expect(requests()).toBe(1);
    expect(await recording.event()).toMatchObject({
      input: 'Hello?',
      output: 'Hi!',
      model: 'gpt-4o-mini',
      total_tokens: 5,
    });
  });

  it('rejects with its own errors', async () => {
    const recording = record();
    const { client } = openai();
    const ask = recording.phospho.wrap(() =>
      client.chat.completions.create({ model: 'none', messages }),
    );
    await expect(ask()).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(ask().withResponse()).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    const events = await recording.events();
    expect(events.map((event) => event.metadata?.outcome)).toEqual(['error', 'error']);
  });

  it('answers a stream with its own members, recorded as it is read', async () => {
    const recording = record();
    const { client } = openai();
    const ask = recording.phospho.wrap(() =>
      client.chat.completions.create({ model, messages, stream: true }),
    );
    const stream = await ask();
    expect(stream.controller).toBeInstanceOf(AbortController);
    expect(await recording.events()).toEqual([]);
    expect(await readAll(stream)).toHaveLength(3);
    const left = await ask();
    for await (const _ of left) break;
    expect(left.controller.signal.aborted).toBe(true);
    expect(await recording.events()).toMatchObject([
      { output: 'One two three', model: 'gpt-4o-mini', metadata: { outcome: 'complete' } },
      { output: 'One ', metadata: { outcome: 'aborted' } },
    ]);
  });

  it('records a stream once that is split by `tee()` or read as a ReadableStream', async () => {
    const recording = record();
    const { client } = openai();
    const ask = recording.phospho.wrap(() =>
      client.chat.completions.create({ model, messages, stream: true }),
    );
    const [left, right] = (await ask()).tee();
    expect(await readAll(left)).toEqual(await readAll(right));
    const readable = (await ask()).toReadableStream();
    expect(await new Response(readable).text()).toContain('three');
    expect((await recording.events()).map((event) => event.output)).toEqual([
      'One two three',
      'One two three',
    ]);
  });
});
