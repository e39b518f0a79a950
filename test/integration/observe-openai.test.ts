import OpenAI, { AzureOpenAI } from 'openai';
import { zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { readAll } from '../decorators/recording.ts';
import { chunks, completion, eventStream, toolChunks } from '../fixtures/openai-chat.ts';
import { type Answer, fakeFetch } from '../helpers/model-servers.ts';
import { testPhospho } from '../helpers/phospho.ts';

const messages = [{ role: 'user' as const, content: 'Lisbon?' }];
const ASKED = { model: 'gpt-4o-mini', messages };
const streamed: Answer = { type: 'text/event-stream', body: eventStream(chunks) };
const RECORDED = {
  input: 'Lisbon?',
  output: 'Lisbon is lovely, rain or shine.',
  model: 'gpt-4o-mini-2024-07-18',
  prompt_tokens: 21,
  completion_tokens: 9,
  metadata: { name: 'chat gpt-4o-mini', outcome: 'complete', finish_reason: 'stop' },
};

function observed(answers: Answer[] = [{ body: completion }], more: object = {}) {
  const { phospho, events } = testPhospho();
  const fetch = fakeFetch(...answers);
  const client = phospho.observe(new OpenAI({ apiKey: 'sk-key', fetch, ...more }));
  return { phospho, events, fetch, client };
}

const withText = (content: string): Answer => ({
  body: {
    ...completion,
    choices: [{ ...completion.choices[0], message: { role: 'assistant', content } }],
  },
});

describe('an observed OpenAI client', () => {
  it('is the client itself, with its types, and leaves its class and other clients alone', async () => {
    const { phospho } = testPhospho();
    const other = new OpenAI({ apiKey: 'k' });
    const client = new OpenAI({ apiKey: 'k' });
    const before = Object.keys(client.chat.completions);
    const same = phospho.observe(client);
    expectTypeOf(same).toEqualTypeOf<OpenAI>();
    expect(same).toBe(client);
    expect(client).toBeInstanceOf(OpenAI);
    expect(Object.keys(client.chat.completions)).toEqual(before);
    expect(client.chat.completions.create).not.toBe(other.chat.completions.create);
    expect(client.chat.completions.create).toHaveLength(2);
    expect(Object.hasOwn(other.chat.completions, 'create')).toBe(false);
    expect(other.chat.completions.create).toBe(OpenAI.Chat.Completions.prototype.create);
  });

  it('records a call with what was asked, and nothing of the request options', async () => {
    const { client, events, fetch } = observed();
    const tools = [{ type: 'function' as const, function: { name: 'weather' } }];
    const given = await client.chat.completions.create(
      { ...ASKED, tools },
      { headers: { 'x-secret': 'hidden' }, signal: new AbortController().signal },
    );
    expect(given.choices[0]?.message.content).toBe(RECORDED.output);
    expect(fetch).toHaveBeenCalledOnce();
    const [event] = await events();
    expect(event).toMatchObject({
      ...RECORDED,
      raw_input: { ...ASKED, tools },
      raw_output: completion,
    });
    expect(JSON.stringify(event)).not.toMatch(/hidden|sk-key|signal/);
  });

  it('gives an APIPromise whose members all work, each call recorded once', async () => {
    const { client, events } = observed();
    const { data, response, request_id } = await client.chat.completions
      .create(ASKED)
      .withResponse();
    expect(data.choices).toHaveLength(1);
    expect(response).toBeInstanceOf(Response);
    expect(request_id).toBeNull();
    const promise = client.chat.completions.create(ASKED);
    expect(promise).toBeInstanceOf(Promise);
    expect(promise.constructor.name).toBe('APIPromise');
    expect(await promise).toBe(await promise.finally(() => {}));
    await client.chat.completions.create(ASKED).catch(() => {});
    expect(await events()).toMatchObject([RECORDED, RECORDED, RECORDED]);
  });

  it('parse() is recorded once, with the answer even where it cannot be parsed', async () => {
    const { client, events } = observed([withText('{"city":"Lisboa"}'), withText('no JSON')]);
    const response_format = zodResponseFormat(z.object({ city: z.string() }), 'place');
    const ask = () => client.chat.completions.parse({ ...ASKED, response_format });
    expect((await ask()).choices[0]?.message.parsed).toEqual({ city: 'Lisboa' });
    await expect(ask()).rejects.toThrow();
    expect(await events()).toMatchObject([
      { output: '{"city":"Lisboa"}', metadata: { outcome: 'complete' } },
      { output: 'no JSON', metadata: { outcome: 'complete' } },
    ]);
  });

  it('a stream is recorded as it is read, and keeps its members', async () => {
    const { client, events } = observed([streamed]);
    const stream = await client.chat.completions.create({ ...ASKED, stream: true });
    expect(stream.controller).toBeInstanceOf(AbortController);
    const [left, right] = stream.tee();
    const texts = await Promise.all([readAll(left), readAll(right)]);
    expect(texts[0]).toEqual(chunks);
    expect(texts[1]).toEqual(chunks);
    const lines = await client.chat.completions.create({ ...ASKED, stream: true });
    const bytes = await new Response(lines.toReadableStream() as ReadableStream).text();
    expect(bytes.trim().split('\n')).toHaveLength(chunks.length);
    expect(await events()).toMatchObject([RECORDED, RECORDED]);
  });

  it('the helper stream() is one call', async () => {
    const { client, events } = observed([streamed]);
    const pieces: string[] = [];
    const stream = client.chat.completions
      .stream(ASKED)
      .on('content', (piece) => pieces.push(piece));
    expect(await stream.finalContent()).toBe(RECORDED.output);
    expect(pieces.join('')).toBe(RECORDED.output);
    expect(await events()).toMatchObject([RECORDED]);
  });

  it('runTools() is a step a model call, with the tools between them', async () => {
    const tool: Answer = { type: 'text/event-stream', body: eventStream(toolChunks) };
    const { client, events, phospho } = observed([tool, streamed]);
    const weather = phospho.wrap(async (_input: { city: string }) => 'rain', { name: 'weather' });
    const answer = phospho.wrap(
      async (_question: string) =>
        client.chat.completions
          .runTools({
            ...ASKED,
            stream: true,
            tools: [
              {
                type: 'function',
                function: {
                  name: 'weather',
                  description: 'the weather',
                  parse: JSON.parse,
                  function: weather,
                  parameters: { type: 'object' },
                },
              },
            ],
          })
          .finalContent(),
      { name: 'answer' },
    );
    expect(await answer('Lisbon?')).toBe(RECORDED.output);
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      output: RECORDED.output,
      model: RECORDED.model,
      steps: [
        {
          name: 'chat gpt-4o-mini',
          finish_reason: 'tool_calls',
          tool_calls: [{ name: 'weather', arguments: '{"city":"Lisboa"}' }],
        },
        { name: 'weather', output: 'rain' },
        { name: 'chat gpt-4o-mini', finish_reason: 'stop', usage: { prompt_tokens: 21 } },
      ],
    });
  });

  it('responses: create(), parse() and stream()', async () => {
    const response = {
      id: 'resp_1',
      object: 'response',
      model: 'gpt-5',
      status: 'completed',
      output: [
        {
          type: 'message',
          id: 'm',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: '{"city":"Lisboa"}', annotations: [] }],
        },
      ],
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    };
    const created = { ...response, status: 'in_progress', output: [], usage: null };
    const item = {
      type: 'message',
      id: 'm',
      role: 'assistant',
      status: 'in_progress',
      content: [],
    };
    const part = { type: 'output_text', text: '', annotations: [] };
    const events = [
      { type: 'response.created', response: created },
      { type: 'response.output_item.added', output_index: 0, item },
      {
        type: 'response.content_part.added',
        output_index: 0,
        content_index: 0,
        item_id: 'm',
        part,
      },
      {
        type: 'response.output_text.delta',
        output_index: 0,
        content_index: 0,
        item_id: 'm',
        delta: '{"city":"Lisboa"}',
      },
      { type: 'response.completed', response },
    ];
    const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    const stream: Answer = { type: 'text/event-stream', body: body.join('') };
    const { client, events: recorded } = observed([{ body: response }, { body: response }, stream]);
    const asked = { model: 'gpt-5', input: 'Where?' };
    expect((await client.responses.create(asked)).output_text).toBe('{"city":"Lisboa"}');
    const format = zodTextFormat(z.object({ city: z.string() }), 'place');
    const parsed = await client.responses.parse({ ...asked, text: { format } });
    expect(parsed.output_parsed).toEqual({ city: 'Lisboa' });
    expect((await client.responses.stream(asked).finalResponse()).output_text).toBe(
      '{"city":"Lisboa"}',
    );
    const expected = {
      input: 'Where?',
      output: '{"city":"Lisboa"}',
      total_tokens: 7,
      metadata: { name: 'chat gpt-5', outcome: 'complete' },
    };
    expect(await recorded()).toMatchObject([expected, expected, expected]);
  });

  it("an error is the SDK's own, and its retries are one call", async () => {
    const failed: Answer = {
      status: 500,
      body: { error: { message: 'down' } },
      headers: { 'retry-after-ms': '1' },
    };
    const { client, events, fetch } = observed([failed], { maxRetries: 1 });
    const error = await client.chat.completions.create(ASKED).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OpenAI.InternalServerError);
    expect(fetch).toHaveBeenCalledTimes(2);
    expect(await events()).toMatchObject([
      { output: null, metadata: { outcome: 'error', error: expect.stringContaining('500 down') } },
    ]);
  });

  it('an error within a stream reaches the reader, and the record', async () => {
    const broken = [chunks[0], chunks[1], { error: { message: 'overloaded' } }];
    const { client, events } = observed([
      { type: 'text/event-stream', body: eventStream(broken as object[]) },
    ]);
    const stream = await client.chat.completions.create({ ...ASKED, stream: true });
    await expect(readAll(stream)).rejects.toThrow('overloaded');
    expect(await events()).toMatchObject([
      {
        output: 'Lisbon is',
        metadata: { outcome: 'error', error: expect.stringMatching('overloaded') },
      },
    ]);
  });

  it.each<[string, (client: OpenAI) => Promise<unknown>]>([
    [
      'leaves the loop',
      async (client) => {
        const stream = await client.chat.completions.create({ ...ASKED, stream: true });
        for await (const { choices } of stream) if (choices[0]?.delta.content) break;
      },
    ],
    [
      "aborts the stream's controller",
      async (client) => {
        const stream = await client.chat.completions.create({ ...ASKED, stream: true });
        for await (const { choices } of stream) {
          if (choices[0]?.delta.content) stream.controller.abort();
        }
      },
    ],
    [
      'aborts its signal',
      async (client) => {
        const controller = new AbortController();
        const { signal } = controller;
        const stream = await client.chat.completions.create({ ...ASKED, stream: true }, { signal });
        for await (const { choices } of stream) if (choices[0]?.delta.content) controller.abort();
      },
    ],
    [
      'aborts the helper',
      async (client) => {
        const stream = client.chat.completions.stream(ASKED);
        stream.on('content', () => stream.abort());
        await expect(stream.done()).rejects.toThrow(OpenAI.APIUserAbortError);
      },
    ],
  ])('a reader who %s has an aborted record with the text so far', async (_how, run) => {
    const { client, events } = observed([streamed]);
    await run(client);
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event?.metadata?.outcome).toBe('aborted');
    expect(RECORDED.output.startsWith(event?.output ?? '?')).toBe(true);
    expect(event?.output).toMatch(/^Lisbon is/);
  });

  it('a request that its signal stops is aborted', async () => {
    const { client, events } = observed();
    const asked = client.chat.completions.create(ASKED, { signal: AbortSignal.abort() });
    await expect(asked).rejects.toThrow(OpenAI.APIUserAbortError);
    expect(await events()).toMatchObject([{ metadata: { outcome: 'aborted' } }]);
  });

  it('withOptions() gives an observed client; embeddings pass unrecorded', async () => {
    const { client, events } = observed();
    const copy = client.withOptions({ timeout: 1000 }).withOptions({ maxRetries: 0 });
    expect(copy).toBeInstanceOf(OpenAI);
    expect(copy.timeout).toBe(1000);
    await copy.chat.completions.create(ASKED);
    await client.embeddings.create({ model: 'e', input: 'x', encoding_format: 'float' });
    expect(await events()).toMatchObject([RECORDED]);
  });

  it('is observed as an Azure client too', async () => {
    const { phospho, events } = testPhospho();
    const client = phospho.observe(
      new AzureOpenAI({
        apiKey: 'k',
        apiVersion: '2025-01-01',
        endpoint: 'https://a.example',
        fetch: fakeFetch({ body: completion }),
      }),
    );
    await client.chat.completions.create(ASKED);
    expect(await events()).toMatchObject([RECORDED]);
  });
});
