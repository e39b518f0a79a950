import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import { describe, expect, it } from 'vitest';
import { readAll } from '../decorators/recording.ts';
import { type Answer, events as eventStream, fakeFetch, lines } from '../helpers/model-servers.ts';
import { testPhospho } from '../helpers/phospho.ts';

const messages = [{ role: 'user' as const, content: 'Lisbon?' }];

const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-x-1',
  content: [
    { type: 'text', text: 'Rain.' },
    { type: 'tool_use', id: 't1', name: 'weather', input: { at: 'Lisboa' } },
  ],
  stop_reason: 'tool_use',
  usage: { input_tokens: 5, cache_read_input_tokens: 2, output_tokens: 3 },
};
const start = { ...message, content: [], stop_reason: null };
const streamed = eventStream(
  [
    { type: 'message_start', message: start },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Ra' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'in.' } },
    { type: 'content_block_stop', index: 0 },
    {
      type: 'content_block_start',
      index: 1,
      content_block: { type: 'tool_use', id: 't1', name: 'weather', input: {} },
    },
    {
      type: 'content_block_delta',
      index: 1,
      delta: { type: 'input_json_delta', partial_json: '{"at":"Lisboa"}' },
    },
    { type: 'content_block_stop', index: 1 },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 3 } },
    { type: 'message_stop' },
  ],
  false,
);

const RECORDED = {
  input: 'Lisbon?',
  output: 'Rain.',
  system_prompt: 'Be brief.',
  model: 'claude-x-1',
  prompt_tokens: 7,
  completion_tokens: 3,
  metadata: {
    name: 'chat claude-x',
    outcome: 'complete',
    finish_reason: 'tool_use',
    tool_calls: [{ name: 'weather', arguments: { at: 'Lisboa' } }],
  },
};

describe('an observed Anthropic client', () => {
  const ASKED = { model: 'claude-x', max_tokens: 9, system: 'Be brief.', messages };

  function observed(...answers: Answer[]) {
    const { phospho, events } = testPhospho();
    const fetch = fakeFetch(...answers);
    const client = phospho.observe(new Anthropic({ apiKey: 'sk-ant', fetch, maxRetries: 0 }));
    return { client, events };
  }

  it.each<[string, Answer, (client: Anthropic) => Promise<unknown>]>([
    ['messages.create()', { body: message }, async (client) => client.messages.create(ASKED)],
    [
      'its withResponse()',
      { body: message },
      async (client) => client.messages.create(ASKED).withResponse(),
    ],
    [
      'beta.messages.create()',
      { body: message },
      async (client) => client.beta.messages.create(ASKED),
    ],
    ['messages.parse()', { body: message }, async (client) => client.messages.parse(ASKED)],
    [
      'create() with stream',
      streamed,
      async (client) => readAll(await client.messages.create({ ...ASKED, stream: true })),
    ],
    ['messages.stream()', streamed, async (client) => client.messages.stream(ASKED).finalMessage()],
    ['messages.stream(), read', streamed, async (client) => readAll(client.messages.stream(ASKED))],
    [
      'beta.messages.stream()',
      streamed,
      async (client) => client.beta.messages.stream(ASKED).finalMessage(),
    ],
    [
      'beta.messages.toolRunner() with stream',
      streamed,
      async (client) => {
        const runner = client.beta.messages.toolRunner({
          ...ASKED,
          tools: [],
          stream: true,
          max_iterations: 1,
        });
        const read: unknown[] = [];
        for await (const stream of runner) read.push(...(await readAll(stream)));
        return read[0];
      },
    ],
    [
      'withOptions()',
      { body: message },
      async (client) => client.withOptions({ timeout: 99 }).messages.create(ASKED),
    ],
  ])('%s is recorded once', async (_name, answer, call) => {
    const { client, events } = observed(answer);
    expect(await call(client)).toBeDefined();
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject(RECORDED);
    expect(JSON.stringify(event)).not.toContain('sk-ant');
  });

  it('an error is its own, and an aborted helper is aborted', async () => {
    const { client, events } = observed(
      {
        status: 529,
        body: { type: 'error', error: { type: 'overloaded_error', message: 'busy' } },
      },
      streamed,
    );
    await expect(client.messages.create(ASKED)).rejects.toBeInstanceOf(Anthropic.APIError);
    const stream = client.messages.stream(ASKED);
    stream.on('text', () => stream.abort());
    await expect(stream.done()).rejects.toThrow(Anthropic.APIUserAbortError);
    expect(await events()).toMatchObject([
      { metadata: { outcome: 'error' } },
      { output: expect.stringMatching(/^Ra/), metadata: { outcome: 'aborted' } },
    ]);
  });
});

describe('an observed Ollama client', () => {
  const about = { model: 'llama3:8b', created_at: '2026-01-01T00:00:00Z' };
  const end = { done: true, done_reason: 'stop', prompt_eval_count: 4, eval_count: 2 };
  const said = (content: string) => ({
    ...about,
    message: { role: 'assistant', content },
    done: false,
  });
  const ASKED = { model: 'llama3', messages };

  function observed(...answers: Answer[]) {
    const { phospho, events } = testPhospho();
    const client = phospho.observe(
      new Ollama({ host: 'http://o', fetch: fakeFetch(...answers) as never }),
    );
    return { client, events };
  }

  const RECORDED = {
    input: 'Lisbon?',
    output: 'Rain.',
    model: 'llama3:8b',
    prompt_tokens: 4,
    completion_tokens: 2,
    metadata: { outcome: 'complete', finish_reason: 'stop' },
  };

  it('chat() and generate(), whole', async () => {
    const { client, events } = observed(
      { body: { ...said('Rain.'), ...end } },
      { body: { ...about, response: 'Rain.', ...end } },
    );
    expect((await client.chat(ASKED)).message.content).toBe('Rain.');
    expect((await client.generate({ model: 'llama3', prompt: 'Lisbon?' })).response).toBe('Rain.');
    const [chat, generate] = await events();
    expect(chat).toMatchObject(RECORDED);
    expect(chat?.metadata?.name).toBe('chat llama3');
    expect(generate).toMatchObject(RECORDED);
    expect(generate?.metadata?.name).toBe('generate llama3');
  });

  it('chat(), streamed: read, left and aborted', async () => {
    const answer = lines([said('Ra'), said('in.'), { ...said(''), ...end }]);
    const { client, events } = observed(answer);
    const items = await readAll(await client.chat({ ...ASKED, stream: true }));
    expect(items).toHaveLength(3);
    for await (const _item of await client.chat({ ...ASKED, stream: true })) break;
    const stopped = await client.chat({ ...ASKED, stream: true });
    await expect(
      (async () => {
        for await (const _item of stopped) stopped.abort();
      })(),
    ).rejects.toThrow(/abort/i);
    expect(await events()).toMatchObject([
      RECORDED,
      { output: 'Ra', metadata: { outcome: 'aborted' } },
      { output: 'Ra', metadata: { outcome: 'aborted' } },
    ]);
  });

  it('a server that refuses is an error', async () => {
    const { client, events } = observed({ status: 404, body: { error: 'model not found' } });
    await expect(client.chat(ASKED)).rejects.toThrow('model not found');
    expect(await events()).toMatchObject([
      { metadata: { outcome: 'error', error: expect.stringMatching('model not found') } },
    ]);
  });
});
