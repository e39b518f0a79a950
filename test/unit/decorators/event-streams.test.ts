import { AsyncLocalStorage } from 'node:async_hooks';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { outline, readAll, record, unhandledDuring } from '../../decorators/recording.ts';

const PIECES = ['One ', 'two ', 'three'];
const question = [{ role: 'user' as const, content: 'Count!' }];

type Answer = (
  body: { [key: string]: unknown },
  signal: AbortSignal | null | undefined,
) => string[];

/** A made-up network: events are sent one a turn; an answer that is no event breaks off. */
function network(answer: Answer): typeof fetch {
  return async (_url, init) => {
    const signal = init?.signal;
    const events = answer(JSON.parse(String(init?.body)), signal);
    if (events.length === 0)
      return Response.json({ error: { message: 'no model' } }, { status: 400 });
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        signal?.addEventListener('abort', () => controller.error(signal.reason));
        for (const event of events) {
          await new Promise((resolve) => setImmediate(resolve));
          if (signal?.aborted) return;
          if (event === 'hang') return;
          controller.enqueue(new TextEncoder().encode(event));
        }
        controller.close();
      },
    });
    const type = events[0]?.startsWith('{') ? 'application/json' : 'text/event-stream';
    return new Response(body, { headers: { 'content-type': type, 'request-id': 'req_1' } });
  };
}

const event = (json: { [key: string]: unknown }): string =>
  `event: ${json.type ?? 'message'}\ndata: ${JSON.stringify(json)}\n\n`;

function anthropicEvents(pieces: readonly string[], isWhole = true): string[] {
  const usage = { input_tokens: 7, output_tokens: 1 };
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-x',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage,
  };
  const begin = [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    ...pieces.map((text) => ({
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text },
    })),
  ];
  const end = [
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ];
  return [...begin, ...(isWhole ? end : [])].map(event);
}

function chatEvents(pieces: readonly string[], isWhole = true): string[] {
  const chunk = (choice: object, more: object = {}): string =>
    `data: ${JSON.stringify({
      id: 'chatcmpl_1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'gpt-x',
      choices: [{ index: 0, finish_reason: null, ...choice }],
      ...more,
    })}\n\n`;
  const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
  return [
    chunk({ delta: { role: 'assistant', content: '' } }),
    ...pieces.map((content) => chunk({ delta: { content } })),
    ...(isWhole
      ? [chunk({ delta: {}, finish_reason: 'stop' }, { usage }), 'data: [DONE]\n\n']
      : []),
  ];
}

function responseEvents(pieces: readonly string[], isWhole = true): string[] {
  const response = { id: 'resp_1', object: 'response', created_at: 1, model: 'gpt-x', output: [] };
  const part = { type: 'output_text', text: '', annotations: [] };
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    status: 'in_progress',
    content: [],
  };
  const at = { item_id: 'm', output_index: 0, content_index: 0 };
  const whole = { ...message, content: [{ ...part, text: pieces.join('') }], status: 'completed' };
  const usage = { input_tokens: 7, output_tokens: 5, total_tokens: 12 };
  const events = [
    { type: 'response.created', response },
    { type: 'response.output_item.added', output_index: 0, item: message },
    { type: 'response.content_part.added', ...at, part },
    ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...at, delta })),
    ...(isWhole
      ? [{ type: 'response.completed', response: { ...response, output: [whole], usage } }]
      : []),
  ];
  return events.map((each, index) => event({ ...each, sequence_number: index }));
}

/** What is common to the streams of both SDKs. */
interface SdkStream extends AsyncIterable<unknown> {
  controller: AbortController;
  on(event: string, listener: (...args: never[]) => void): unknown;
  abort(): void;
  done(): Promise<void>;
}

interface Sdk {
  events: typeof chatEvents;
  open(fetch: Answer): SdkStream;
  final(stream: SdkStream): Promise<unknown>;
  text: string;
  recorded: object;
}

const openai = (answer: Answer): OpenAI =>
  new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: network(answer) });
const anthropic = (answer: Answer): Anthropic =>
  new Anthropic({ apiKey: 'none', maxRetries: 0, fetch: network(answer) });

const SDKS: { [name: string]: Sdk } = {
  "anthropic's messages.stream()": {
    events: anthropicEvents,
    open: (answer) =>
      anthropic(answer).messages.stream({
        model: 'claude-x',
        max_tokens: 9,
        messages: question,
      }) as unknown as SdkStream,
    final: (stream) => (stream as never as { finalMessage(): Promise<unknown> }).finalMessage(),
    text: 'text',
    recorded: { model: 'claude-x', prompt_tokens: 7, completion_tokens: 5 },
  },
  "openai's chat.completions.stream()": {
    events: chatEvents,
    open: (answer) =>
      openai(answer).chat.completions.stream({
        model: 'gpt-x',
        messages: question,
      }) as unknown as SdkStream,
    final: (stream) =>
      (stream as never as { finalChatCompletion(): Promise<unknown> }).finalChatCompletion(),
    text: 'content',
    recorded: { model: 'gpt-x', total_tokens: 12 },
  },
  "openai's responses.stream()": {
    events: responseEvents,
    open: (answer) =>
      openai(answer).responses.stream({
        model: 'gpt-x',
        input: 'Count!',
      }) as unknown as SdkStream,
    final: (stream) => (stream as never as { finalResponse(): Promise<unknown> }).finalResponse(),
    text: 'response.output_text.delta',
    recorded: { model: 'gpt-x', total_tokens: 12 },
  },
};

/** The recorded event once there is one: these streams run by themselves. */
async function ended(recording: ReturnType<typeof record>) {
  await expect.poll(() => recording.phospho.stats().events.captured).toBe(1);
  return recording.event();
}

describe.each(Object.entries(SDKS))('%s', (_name, sdk) => {
  const { events, open } = sdk;

  it('is the same object, and recorded though nobody reads it', async () => {
    const recording = record();
    const stream = open(() => events(PIECES));
    const keys = Object.keys(stream);
    expect(recording.phospho.wrap(() => stream)()).toBe(stream);
    expect(Object.keys(stream)).toEqual(keys);
    expect(await ended(recording)).toMatchObject({
      output: 'One two three',
      ...sdk.recorded,
      metadata: { outcome: 'complete', streamed: true },
    });
  });

  it('is recorded once where it is iterated, listened to and asked for its end', async () => {
    const recording = record();
    const bare = open(() => events(PIECES));
    const expected = await readAll(bare);
    const stream = recording.phospho.wrap(() => open(() => events(PIECES)))();
    let heard = 0;
    stream.on(sdk.text, () => {
      heard += 1;
    });
    expect(await readAll(stream)).toEqual(expected);
    expect(heard).toBe(PIECES.length);
    expect(await sdk.final(stream)).toEqual(await sdk.final(bare));
    expect(await ended(recording)).toMatchObject({ output: 'One two three', ...sdk.recorded });
  });

  it('that was over before it was handed out is recorded all the same', async () => {
    const recording = record();
    const ask = recording.phospho.wrap(async () => {
      const stream = open(() => events(PIECES));
      await stream.done();
      return { stream }.stream;
    });
    await ask();
    expect(await ended(recording)).toMatchObject({ output: 'One two three', ...sdk.recorded });
  });

  it('gives its final message to the hook `output`', async () => {
    const recording = record();
    const given: unknown[] = [];
    const output = (final: unknown): string => {
      given.push(final);
      return 'seen';
    };
    const stream = recording.phospho.wrap(() => open(() => events(PIECES)), { output })();
    const final = await sdk.final(stream);
    expect(await ended(recording)).toMatchObject({ output: 'seen' });
    expect(given).toHaveLength(1);
    expect(given[0]).toMatchObject({ id: (final as { id: string }).id });
  });

  it('that is aborted is recorded with the text so far', async () => {
    const recording = record();
    const hanging = [...events(PIECES.slice(0, 2), false), 'hang'];
    const stream = recording.phospho.wrap(() => open(() => hanging))();
    let heard = 0;
    stream.on(sdk.text, () => {
      heard += 1;
      if (heard === 2) stream.abort();
    });
    await expect(stream.done()).rejects.toThrow(/abort/i);
    expect(await ended(recording)).toMatchObject({
      output: 'One two ',
      metadata: { outcome: 'aborted' },
    });
  });

  it('that its reader leaves is aborted, as it is without us', async () => {
    const recording = record();
    const hanging = [...events(PIECES.slice(0, 1), false), 'hang'];
    const stream = recording.phospho.wrap(() => open(() => hanging))();
    stream.on('abort', () => {});
    for await (const _ of stream) break;
    expect(stream.controller.signal.aborted).toBe(true);
    expect((await ended(recording)).metadata).toMatchObject({ outcome: 'aborted' });
  });

  it('that fails rejects as it does without us, and is recorded as an error', async () => {
    const recording = record();
    const ask = recording.phospho.wrap(() => open(() => []));
    await expect(ask().done()).rejects.toThrow(/no model/);
    expect((await ended(recording)).metadata).toMatchObject({ outcome: 'error' });
  });

  it('leaves an error to the host exactly where the SDK does', async () => {
    const listeners = {
      nobody: () => {},
      'a listener': (stream: SdkStream) => void stream.on('error', () => {}),
      'a promise': (stream: SdkStream) => void stream.done().catch(() => {}),
    };
    for (const listen of Object.values(listeners)) {
      const over: Promise<unknown>[] = [];
      const watch = (stream: SdkStream): void => {
        over.push(new Promise((resolve) => stream.on('end', () => resolve(undefined))));
        listen(stream);
      };
      const bare = await unhandled(() => watch(open(() => [])), over);
      const { phospho } = record();
      const ask = phospho.wrap(() => open(() => []));
      const decorated = await unhandled(() => watch(ask()), over);
      expect(decorated.map(String)).toEqual(bare.map(String));
      expect(bare).toHaveLength(listen === listeners.nobody ? 1 : 0);
    }
  });

  it('has what its listeners log outside of it', async () => {
    const recording = record();
    const { phospho } = recording;
    const heard = phospho.wrap(() => 'x', { name: 'heard' });
    const own = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    const stream = own.run('mine', () => phospho.wrap(() => open(() => events(['One '])))());
    stream.on(sdk.text, () => {
      contexts.push(own.getStore());
      heard();
    });
    await stream.done();
    expect(contexts).toEqual(['mine']);
    const all = await recording.events();
    expect(all.map(outline)).toEqual(['', '']);
  });
});

async function unhandled(work: () => void, over: Promise<unknown>[]): Promise<unknown[]> {
  return unhandledDuring(work, () => Promise.all(over.splice(0)));
}

describe("openai's runner of tools", () => {
  const tools = [
    {
      type: 'function' as const,
      function: {
        name: 'weather',
        description: 'The weather',
        parameters: {},
        function: () => 'sunny',
      },
    },
  ];
  const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
  const completion = (message: object, reason: string): string[] => [
    JSON.stringify({
      id: 'chatcmpl_1',
      object: 'chat.completion',
      model: 'gpt-x',
      choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: reason }],
      usage,
    }),
  ];
  const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } };

  it('is recorded by its last answer, with what all of them cost and its tools as steps', async () => {
    const recording = record();
    const { phospho } = recording;
    const weather = phospho.wrap(tools[0]!.function.function, { name: 'weather' });
    const client = openai(({ messages }) =>
      (messages as unknown[]).length > 1
        ? completion({ content: 'It is sunny.' }, 'stop')
        : completion({ content: null, tool_calls: [call] }, 'tool_calls'),
    );
    const ask = phospho.wrap(() =>
      client.chat.completions.runTools({
        model: 'gpt-x',
        messages: question,
        tools: [{ ...tools[0]!, function: { ...tools[0]!.function, function: weather } }],
      }),
    );
    expect(await ask().finalContent()).toBe('It is sunny.');
    const task = await ended(recording);
    expect(task).toMatchObject({ output: 'It is sunny.', model: 'gpt-x', total_tokens: 24 });
    expect(outline(task)).toBe('weather');
  });
});

describe("an SDK's promise whose Response alone is asked for", () => {
  const answer = JSON.stringify({
    id: 'chatcmpl_1',
    object: 'chat.completion',
    model: 'gpt-x',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' }, finish_reason: 'stop' }],
  });
  const ask = (client: OpenAI) =>
    client.chat.completions.create({ model: 'gpt-x', messages: question });

  it('is recorded as its body is read', async () => {
    const recording = record();
    const promise = recording.phospho.wrap(() => ask(openai(() => [answer])))();
    const response = await promise.asResponse();
    expect(await recording.events()).toEqual([]);
    expect(await response.json()).toMatchObject({ id: 'chatcmpl_1' });
    expect(await recording.event()).toMatchObject({ output: 'Hi!', model: 'gpt-x' });
  });

  it('is recorded as a stream where its body is one', async () => {
    const recording = record();
    const client = openai(() => chatEvents(PIECES));
    const promise = recording.phospho.wrap(() =>
      client.chat.completions.create({ model: 'gpt-x', messages: question, stream: true }),
    )();
    expect(await (await promise.asResponse()).text()).toContain('three');
    expect(await recording.event()).toMatchObject({ output: 'One two three', model: 'gpt-x' });
  });

  it('that fails is recorded as an error', async () => {
    const recording = record();
    const promise = recording.phospho.wrap(() => ask(openai(() => [])))();
    await expect(promise.asResponse()).rejects.toThrow(/no model/);
    expect((await recording.event()).metadata).toMatchObject({ outcome: 'error' });
  });

  it("is recorded once, with what was parsed, where it is asked for with its data; anthropic's too", async () => {
    const recording = record();
    const promise = recording.phospho.wrap(() => ask(openai(() => [answer])))();
    const { data, response } = await promise.withResponse();
    expect(data.id).toBe('chatcmpl_1');
    expect(response.bodyUsed).toBe(true);
    const message = JSON.stringify({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-x',
      content: [{ type: 'text', text: 'Ho!' }],
      usage: { input_tokens: 1, output_tokens: 2 },
    });
    const client = anthropic(() => [message]);
    const other = recording.phospho.wrap(() =>
      client.messages.create({ model: 'claude-x', max_tokens: 9, messages: question }),
    );
    expect((await other().withResponse()).data.id).toBe('msg_1');
    expect(await (await other().asResponse()).text()).toBe(message);
    const outputs = (await recording.events()).map((each) => each.output);
    expect(outputs).toEqual(['Hi!', 'Ho!', 'Ho!']);
  });
});
