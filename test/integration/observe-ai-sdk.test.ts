import {
  generateObject,
  generateText,
  jsonSchema,
  simulateReadableStream,
  stepCountIs,
  streamObject,
  streamText,
  tool,
} from 'ai';
import { MockLanguageModelV2 } from 'ai/test';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { z } from 'zod';
import { outline, readAll } from '../decorators/recording.ts';
import { testPhospho } from '../helpers/phospho.ts';

const usage = (inputTokens: number, outputTokens: number) => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

type Streamed = Awaited<ReturnType<MockLanguageModelV2['doStream']>>;
type Chunk = Streamed['stream'] extends ReadableStream<infer C> ? C : never;
type Generated = Awaited<ReturnType<MockLanguageModelV2['doGenerate']>>;

const CALL = {
  type: 'tool-call' as const,
  toolCallId: 'c1',
  toolName: 'weather',
  input: '{"at":"Lisboa"}',
};
const text = (...deltas: string[]): Chunk[] => [
  { type: 'text-start', id: 't' },
  ...deltas.map((delta): Chunk => ({ type: 'text-delta', id: 't', delta })),
  { type: 'text-end', id: 't' },
];
const FIRST: Chunk[] = [
  { type: 'stream-start', warnings: [] },
  { type: 'response-metadata', modelId: 'mock-1-2026' },
  ...text('Let me see. '),
  CALL,
  { type: 'finish', finishReason: 'tool-calls', usage: usage(10, 5) },
];
const SECOND: Chunk[] = [
  { type: 'response-metadata', modelId: 'mock-1-2026' },
  ...text('It ', 'rains', '.'),
  { type: 'finish', finishReason: 'stop', usage: usage(20, 6) },
];
const generated = (content: Generated['content'], finishReason: 'stop' | 'tool-calls') => ({
  content,
  finishReason,
  usage: usage(10, 5),
  warnings: [],
  response: { modelId: 'mock-1-2026', headers: { 'set-cookie': 'hidden' } },
});

/** A model that streams these parts, a list a call, or asks for a tool and then answers. */
function mock(...steps: Chunk[][]): MockLanguageModelV2 {
  let call = 0;
  return new MockLanguageModelV2({
    modelId: 'mock-1',
    doStream: async () => {
      const chunks = steps[call++] ?? [];
      return { stream: simulateReadableStream({ chunks, chunkDelayInMs: null }) };
    },
    doGenerate: async () =>
      call++ === 0
        ? generated([{ type: 'text', text: 'Let me see. ' }, CALL], 'tool-calls')
        : generated([{ type: 'text', text: 'It rains.' }], 'stop'),
  });
}

const more = () => ({
  prompt: 'Rain in Lisbon?',
  headers: { authorization: 'hidden' },
  stopWhen: stepCountIs(3),
  tools: {
    weather: tool({
      description: 'the weather of a place',
      inputSchema: z.object({ at: z.string() }),
      execute: async () => ({ rain: true }),
    }),
  },
});

const ask = () => streamText({ model: mock(FIRST, SECOND), ...more() });

const READ = {
  input: 'Rain in Lisbon?',
  model: 'mock-1-2026',
  metadata: {
    outcome: 'complete',
    finish_reason: 'stop',
    tool_calls: [{ name: 'weather', arguments: { at: 'Lisboa' } }],
  },
};
const STREAMED = {
  ...READ,
  output: 'Let me see. It rains.',
  prompt_tokens: 30,
  completion_tokens: 11,
  total_tokens: 41,
};

describe('streamText, wrapped', () => {
  it.each<[string, (result: ReturnType<typeof ask>) => Promise<unknown>, unknown]>([
    ['textStream', (result) => readAll(result.textStream), ['Let me see. ', 'It ', 'rains', '.']],
    [
      'its promises',
      (result) => Promise.all([result.text, result.finishReason]),
      ['It rains.', 'stop'],
    ],
    ['consumeStream()', (result) => result.consumeStream(), undefined],
    [
      'an HTTP response of text',
      (result) => result.toTextStreamResponse().text(),
      'Let me see. It rains.',
    ],
    [
      'two streams at once',
      (result) => Promise.all([readAll(result.textStream), result.text]),
      [['Let me see. ', 'It ', 'rains', '.'], 'It rains.'],
    ],
  ])('is recorded once when it is read by %s', async (_name, read, expected) => {
    const { phospho, events } = testPhospho();
    const wrapped = phospho.wrap(streamText);
    expectTypeOf(wrapped).toEqualTypeOf(streamText);
    expect(await read(wrapped({ model: mock(FIRST, SECOND), ...more() }))).toEqual(expected);
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      ...STREAMED,
      metadata: { ...READ.metadata, name: 'streamText', streamed: true },
      raw_input: {
        model: 'mock-1',
        prompt: 'Rain in Lisbon?',
        tools: [{ name: 'weather', description: 'the weather of a place' }],
      },
    });
    expect(JSON.stringify(event)).not.toContain('hidden');
  });

  it("leaves the app's callbacks, arguments and errors as they are", async () => {
    const { phospho } = testPhospho();
    const said: string[] = [];
    const settings = Object.freeze({
      model: mock(SECOND),
      prompt: 'Rain?',
      onChunk: () => void said.push('chunk'),
      onStepFinish: () => void said.push('step'),
      onFinish: () => {
        said.push('finish');
        throw new Error("the app's own");
      },
    });
    const result = phospho.wrap(streamText)(settings);
    await expect(readAll(result.textStream)).rejects.toThrow("the app's own");
    expect(said).toEqual(['chunk', 'chunk', 'chunk', 'step', 'finish']);
  });

  it('starts nothing by itself, and reads no further than its reader', async () => {
    const pulled = { bare: 0, wrapped: 0 };
    const counted = (name: keyof typeof pulled) =>
      new MockLanguageModelV2({
        doStream: async () => ({
          stream: new ReadableStream<Chunk>(
            {
              async pull(controller) {
                await new Promise((resolve) => setImmediate(resolve));
                pulled[name] += 1;
                controller.enqueue({ type: 'raw', rawValue: pulled[name] });
              },
            },
            { highWaterMark: 0 },
          ),
        }),
      });
    const { phospho } = testPhospho();
    const settled = async () => {
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    };
    const settings = { prompt: 'x', includeRawChunks: true };
    const bare = streamText({ model: counted('bare'), ...settings });
    const wrapped = phospho.wrap(streamText)({ model: counted('wrapped'), ...settings });
    await settled();
    expect(pulled.wrapped).toBe(pulled.bare);
    for (const { fullStream } of [bare, wrapped]) {
      const reader = fullStream.getReader();
      for (let part = 0; part < 5; part++) await reader.read();
    }
    await settled();
    expect(pulled.wrapped).toBeGreaterThan(0);
    expect(pulled.wrapped).toBeLessThanOrEqual(pulled.bare);
  });

  it.each<[string, (result: ReturnType<typeof streamText>) => Promise<unknown>]>([
    [
      'break',
      async ({ textStream }) => {
        for await (const _piece of textStream) break;
      },
    ],
    [
      'cancel()',
      async ({ textStream }) => {
        const reader = textStream.getReader();
        await reader.read();
        await reader.cancel();
      },
    ],
    [
      'a pipe that breaks off',
      async ({ textStream }) => {
        const closed = new WritableStream({
          write: () => {
            throw new Error('closed');
          },
        });
        await textStream.pipeTo(closed).catch(() => {});
      },
    ],
  ])('left early by %s is aborted, with the text so far', async (_name, leave) => {
    const { phospho, events } = testPhospho();
    await leave(phospho.wrap(streamText)({ model: mock(SECOND), prompt: 'Rain?' }));
    await vi.waitFor(async () => expect(await events()).toHaveLength(1));
    const [event] = await events();
    expect(event?.metadata?.outcome).toBe('aborted');
    expect(event?.output).toMatch(/^It /);
  });

  it('left by one of two readers is complete when the other has read it', async () => {
    const { phospho, events } = testPhospho();
    const result = phospho.wrap(streamText)({ model: mock(SECOND), prompt: 'Rain?' });
    const whole = result.text;
    for await (const _piece of result.textStream) break;
    expect(await whole).toBe('It rains.');
    expect(await events()).toMatchObject([
      { output: 'It rains.', metadata: { outcome: 'complete' } },
    ]);
  });

  it('aborted by its signal is aborted', async () => {
    const { phospho, events } = testPhospho();
    const controller = new AbortController();
    const { textStream } = phospho.wrap(streamText)({
      model: mock(SECOND),
      prompt: 'Rain?',
      abortSignal: controller.signal,
    });
    for await (const _piece of textStream) controller.abort();
    expect(await events()).toMatchObject([{ metadata: { outcome: 'aborted' } }]);
  });

  it('an error says itself where the SDK says it, and is recorded', async () => {
    const { phospho, events } = testPhospho();
    const failing = new MockLanguageModelV2({
      doStream: async () => {
        throw new Error('401 no key');
      },
    });
    const broken = mock([...SECOND.slice(0, 3), { type: 'error', error: new Error('overloaded') }]);
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    try {
      for (const model of [failing, broken]) {
        const result = phospho.wrap(streamText)({ model, prompt: 'Rain?', maxRetries: 0 });
        await result.consumeStream();
      }
      expect(printed.mock.calls.map(([error]) => String(error))).toEqual([
        'Error: 401 no key',
        'Error: overloaded',
      ]);
      const onError = vi.fn();
      await phospho
        .wrap(streamText)({ model: failing, prompt: 'x', maxRetries: 0, onError })
        .consumeStream();
      expect(onError).toHaveBeenCalledOnce();
      expect(printed).toHaveBeenCalledTimes(2);
    } finally {
      printed.mockRestore();
    }
    expect(await events()).toMatchObject([
      { output: null, metadata: { outcome: 'error', error: 'Error: 401 no key' } },
      { output: 'It ', metadata: { outcome: 'error', error: 'Error: overloaded' } },
      { output: null, metadata: { outcome: 'error' } },
    ]);
  });

  it('is recognised where a bundler has shortened its name', async () => {
    const { phospho, events } = testPhospho();
    const a: typeof streamText = Object.defineProperty(
      (settings: Parameters<typeof streamText>[0]) => streamText(settings),
      'name',
      { value: 'a' },
    ) as never;
    await readAll(phospho.wrap(a)({ model: mock(FIRST, SECOND), ...more() }).textStream);
    const [event] = await events();
    expect(event).toMatchObject({ ...STREAMED, raw_input: { model: 'mock-1' } });
    expect(JSON.stringify(event)).not.toContain('hidden');
  });

  it("as the result of the app's own function is read as well", async () => {
    const { phospho, events } = testPhospho();
    const answer = phospho.wrap((_question: string) => ask());
    await readAll(answer('Rain in Lisbon?').fullStream);
    expect(await events()).toMatchObject([STREAMED]);
  });
});

describe('the other functions, wrapped', () => {
  it('generateText: the answer, and tokens of all its steps', async () => {
    const { phospho, events } = testPhospho();
    const ask = phospho.wrap(generateText);
    expectTypeOf(ask).toEqualTypeOf(generateText);
    expect((await ask({ model: mock(), ...more() })).text).toBe('It rains.');
    const [event] = await events();
    expect(event).toMatchObject({
      ...READ,
      output: 'It rains.',
      prompt_tokens: 20,
      completion_tokens: 10,
    });
    expect(JSON.stringify(event)).not.toContain('hidden');
  });

  it('generateObject and streamObject: the object', async () => {
    const { phospho, events } = testPhospho();
    const schema = jsonSchema<{ at: string }>({
      type: 'object',
      properties: { at: { type: 'string' } },
    });
    const whole = new MockLanguageModelV2({
      doGenerate: async () => generated([{ type: 'text', text: '{"at":"Lisboa"}' }], 'stop'),
    });
    const { object } = await phospho.wrap(generateObject)({
      model: whole,
      schema,
      prompt: 'Where?',
    });
    expect(object).toEqual({ at: 'Lisboa' });
    const finish: Chunk = { type: 'finish', finishReason: 'stop', usage: usage(10, 5) };
    const model = mock([...text('{"at":', '"Lis', 'boa"}'), finish]);
    const streamed = phospho.wrap(streamObject)({ model, schema, prompt: 'Where?' });
    expect((await readAll(streamed.partialObjectStream)).at(-1)).toEqual({ at: 'Lisboa' });
    expect(await streamed.object).toEqual({ at: 'Lisboa' });
    const expected = {
      input: 'Where?',
      output: '{"at":"Lisboa"}',
      total_tokens: 15,
      metadata: { outcome: 'complete', finish_reason: 'stop' },
    };
    expect(await events()).toMatchObject([
      { ...expected, metadata: { ...expected.metadata, name: 'generateObject' } },
      { ...expected, metadata: { ...expected.metadata, name: 'streamObject' } },
    ]);
  });
});

describe('an observed language model', () => {
  it('hands on chunks that cannot be looked into, and results that are no streams', async () => {
    const { phospho, events } = testPhospho();
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('trap');
        },
        has: () => {
          throw new Error('trap');
        },
      },
    ) as Chunk;
    const frozen = Object.freeze({ stream: simulateReadableStream<Chunk>({ chunks: [] }) });
    const results = [{ stream: simulateReadableStream({ chunks: [hostile] }) }, frozen, null];
    const model = phospho.observe(
      new MockLanguageModelV2({ doStream: async () => results.shift() as Streamed }),
    );
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Rain?' }] }];
    const { stream } = await model.doStream({ prompt });
    expect((await stream.getReader().read()).value).toBe(hostile);
    await stream.cancel().catch(() => {});
    expect(await model.doStream({ prompt })).toBe(frozen);
    expect(await model.doStream({ prompt })).toBeNull();
    expect(await events()).toHaveLength(2);
  });

  it('is itself, and each of its calls is a step, or a task outside any', async () => {
    const { phospho, events } = testPhospho();
    const model = mock(FIRST, SECOND);
    expect(phospho.observe(phospho.observe(model))).toBe(model);
    await readAll(phospho.wrap(streamText)({ model, ...more() }).textStream);
    const other = phospho.observe(mock());
    expect((await generateText({ model: other, ...more() })).text).toBe('It rains.');
    const [stream, first, second] = await events();
    expect(stream).toMatchObject(STREAMED);
    expect(outline(stream ?? {})).toBe('chat mock-1 chat mock-1');
    expect(stream?.steps).toMatchObject([
      { output: 'Let me see. ', usage: usageOf(10, 5), tool_calls: [{ name: 'weather' }] },
      { output: 'It rains.', usage: usageOf(20, 6), finish_reason: 'stop', model: 'mock-1-2026' },
    ]);
    const about = { input: 'Rain in Lisbon?', model: 'mock-1-2026', prompt_tokens: 10 };
    expect(first).toMatchObject({
      ...about,
      metadata: { name: 'chat mock-1', finish_reason: 'tool-calls' },
    });
    expect(second).toMatchObject({ ...about, output: 'It rains.' });
    expect(JSON.stringify([stream, first, second])).not.toContain('hidden');
  });

  it('a call that fails or whose stream is left', async () => {
    const { phospho, events } = testPhospho();
    const error = new Error('down');
    const failing = phospho.observe(
      new MockLanguageModelV2({ doStream: async () => Promise.reject(error) }),
    );
    const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Rain?' }] }];
    await expect(failing.doStream({ prompt })).rejects.toBe(error);
    const { stream } = await phospho.observe(mock(SECOND)).doStream({ prompt });
    const reader = stream.getReader();
    for (let part = 0; part < 3; part++) await reader.read();
    await reader.cancel();
    expect(await events()).toMatchObject([
      { input: 'Rain?', output: null, metadata: { outcome: 'error', error: 'Error: down' } },
      { input: 'Rain?', output: 'It ', metadata: { outcome: 'aborted' } },
    ]);
  });
});

const usageOf = (prompt_tokens: number, completion_tokens: number) => ({
  prompt_tokens,
  completion_tokens,
});
