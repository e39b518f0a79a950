import { describe, expect, it } from 'vitest';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';

const readAnyResponse = (body: unknown) => KNOWN_FORMATS.anyResponse(body);
const readStream = (text: string) => KNOWN_FORMATS.stream(text);

const sse = (...events: object[]): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
const message = (fields: object, more: object = {}) => ({
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', ...fields }, finish_reason: 'stop' }],
  ...more,
});
const delta = (fields: object, more: object = {}) => ({
  choices: [{ index: 0, delta: fields, ...more }],
});

describe("a copy of OpenAI's chat", () => {
  it.each<[string, object, object]>([
    [
      "DeepSeek's cache hits",
      message({ content: 'x' }, { usage: { prompt_tokens: 9, prompt_cache_hit_tokens: 4 } }),
      { usage: { prompt_tokens: 9, cache_read_tokens: 4 } },
    ],
    [
      "Moonshot's cached tokens",
      message({ content: 'x' }, { usage: { prompt_tokens: 9, cached_tokens: 4 } }),
      { usage: { prompt_tokens: 9, cache_read_tokens: 4 } },
    ],
    [
      "Alibaba's cache",
      message(
        { content: 'x' },
        {
          usage: {
            prompt_tokens: 9,
            prompt_tokens_details: { cached_tokens: 4, cache_creation_input_tokens: 2 },
          },
        },
      ),
      { usage: { prompt_tokens: 9, cache_read_tokens: 4, cache_creation_tokens: 2 } },
    ],
    [
      "Mistral's parts, its arguments as an object",
      message({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] },
          { type: 'text', text: 'a' },
          { type: 'reference', reference_ids: [1] },
          { type: 'text', text: 'b' },
        ],
        tool_calls: [{ function: { name: 'f', arguments: { at: 'x' } } }],
      }),
      { output: 'ab', reasoning: 'Hm', toolCalls: [{ name: 'f', arguments: { at: 'x' } }] },
    ],
    [
      "Groq's own tools",
      message({ content: 'x', executed_tools: [{ type: 'search', arguments: '{}', output: 'y' }] }),
      { output: 'x', metadata: { provider_tool_calls: [{ name: 'search', arguments: '{}' }] } },
    ],
    [
      'the call before tool_calls',
      message({ content: null, function_call: { name: 'f', arguments: '{}' } }),
      { output: '', toolCalls: [{ name: 'f', arguments: '{}' }] },
    ],
    [
      'an answer in sound',
      message({ content: null, audio: { id: 'a', data: 'AAAA', transcript: 'Hello' } }),
      { output: 'Hello' },
    ],
  ])('%s', (_what, body, parts) => expect(readAnyResponse(body)).toMatchObject(parts));

  it.each<[string, object[], object]>([
    [
      "Moonshot's usage within the choice",
      [delta({ content: 'x' }), delta({}, { finish_reason: 'stop', usage: { prompt_tokens: 5 } })],
      { output: 'x', usage: { prompt_tokens: 5 }, finishReason: 'stop' },
    ],
    [
      "Azure's empty model in front",
      [
        { choices: [], id: '', model: '', object: '', prompt_filter_results: [{}] },
        { ...delta({ content: 'x' }), model: 'gpt', id: 'c' },
        { choices: [{ index: 0, content_filter_offsets: {}, finish_reason: null }], model: '' },
      ],
      { output: 'x', model: 'gpt', raw: { id: 'c' } },
    ],
    [
      "Together's text beside its delta",
      [{ choices: [{ index: 0, text: 'x', delta: { content: 'x', token_id: 1 } }] }],
      { output: 'x' },
    ],
    [
      "Alibaba's empty ids",
      [
        delta({ tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '' } }] }),
        delta({ tool_calls: [{ index: 0, id: '', function: { name: '', arguments: '{}' } }] }),
      ],
      { toolCalls: [{ name: 'f', arguments: '{}' }] },
    ],
    [
      "Groq's tools, each twice",
      [
        delta({ executed_tools: [{ index: 0, type: 'search', arguments: '{}' }] }),
        delta({ executed_tools: [{ index: 0, type: 'search', arguments: '{}', output: 'y' }] }),
        delta({ content: 'x' }),
      ],
      { output: 'x', metadata: { provider_tool_calls: [{ name: 'search', arguments: '{}' }] } },
    ],
    [
      'the call before tool_calls, in pieces',
      [
        delta({ function_call: { name: 'f', arguments: '' } }),
        delta({ function_call: { arguments: '{}' } }),
      ],
      { toolCalls: [{ name: 'f', arguments: '{}' }] },
    ],
  ])('%s', (_what, chunks, parts) => expect(readStream(sse(...chunks))).toMatchObject(parts));
});

describe('Responses', () => {
  const created = { type: 'response.created', response: { id: 'r', model: 'grok-4', output: [] } };
  const call = (type: string, fields: object) => ({
    type: 'response.output_item.done',
    output_index: fields,
    item: { type, ...fields },
  });

  it('of which only the end is there', () => {
    const output = [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }];
    const response = { object: 'response', model: 'm', status: 'completed', output };
    const end = { type: 'response.completed', response };
    expect(readStream(sse(end))).toMatchObject({ output: 'Hi', model: 'm', raw: response });
  });

  it('without any event about items, or with parts that are done but had no pieces', () => {
    expect(
      readStream(
        sse(
          { type: 'response.output_text.delta', item_id: 'a', delta: 'He' },
          { type: 'response.output_text.delta', item_id: 'a', delta: 'llo ' },
          { type: 'response.output_text.done', item_id: 'b', text: 'you' },
          { type: 'response.reasoning_text.delta', item_id: 'c', delta: 'Hm' },
          { type: 'response.refusal.delta', item_id: 'd', delta: 'no' },
        ),
      ),
    ).toMatchObject({ output: 'Hello you', reasoning: 'Hm', metadata: { refusal: 'no' } });
  });

  it("tell the app's tools from the provider's", () => {
    const items = [
      call('custom_tool_call', { name: 'x_keyword_search', input: '{}' }),
      call('function_call', { name: 'weather', arguments: '{}' }),
      call('code_interpreter_call', { code: '1+1' }),
      call('computer_call', { action: { type: 'click' } }),
      call('local_shell_call', { action: { command: ['ls'] } }),
      call('mcp_list_tools', {}),
      call('image_generation_call', { result: 'AAAA' }),
    ];
    expect(readStream(sse(created, ...items))).toMatchObject({
      toolCalls: [{ name: 'weather' }],
      metadata: {
        provider_tool_calls: [
          { name: 'x_keyword_search', arguments: '{}' },
          { name: 'code_interpreter', arguments: '1+1' },
          { name: 'computer' },
          { name: 'local_shell' },
          { name: 'image_generation', arguments: undefined },
        ],
      },
    });
  });

  it.each<[string, object[]]>([
    [
      'indexes in the events of items alone',
      [
        { type: 'response.output_item.added', output_index: 0, item: { id: 'a', type: 'message' } },
        { type: 'response.output_text.delta', item_id: 'a', delta: 'Hi' },
        { type: 'response.output_item.done', output_index: 0, item: { id: 'a', type: 'message' } },
        {
          type: 'response.output_item.done',
          output_index: 1,
          item: { id: 'f', type: 'function_call', name: 'weather', arguments: '{}' },
        },
      ],
    ],
    [
      'ids and no index',
      [
        { type: 'response.output_item.added', item: { id: 'a', type: 'message' } },
        { type: 'response.output_text.delta', item_id: 'a', delta: 'Hi' },
        {
          type: 'response.output_item.added',
          item: { id: 'f', type: 'function_call', name: 'weather', arguments: '' },
        },
        { type: 'response.function_call_arguments.delta', item_id: 'f', delta: '{}' },
      ],
    ],
    [
      'another id in each',
      [
        { type: 'response.output_item.added', output_index: 0, item: { id: 'a', type: 'message' } },
        { type: 'response.output_text.delta', output_index: 0, item_id: 'b', delta: 'Hi' },
        { type: 'response.output_item.done', output_index: 0, item: { id: 'c', type: 'message' } },
        {
          type: 'response.output_item.done',
          output_index: 1,
          item: { id: 'g', type: 'function_call', name: 'weather', arguments: '{}' },
        },
      ],
    ],
    [
      'the same index for each item',
      [
        { type: 'response.output_item.added', output_index: 0, item: { id: 'a', type: 'message' } },
        { type: 'response.output_text.delta', output_index: 0, item_id: 'a', delta: 'H' },
        {
          type: 'response.output_item.added',
          output_index: 0,
          item: { id: 'f', type: 'function_call', name: 'weather', arguments: '' },
        },
        {
          type: 'response.function_call_arguments.delta',
          output_index: 0,
          item_id: 'f',
          delta: '{}',
        },
        { type: 'response.output_text.delta', output_index: 0, item_id: 'a', delta: 'i' },
        { type: 'response.output_item.done', output_index: 0, item: { id: 'a', type: 'message' } },
      ],
    ],
    [
      'no word of a call until the end',
      [{ type: 'response.output_text.delta', output_index: 0, item_id: 'a', delta: 'Hi' }],
    ],
  ])('whose events have %s', (_what, events) => {
    const output = [
      { id: 'a', type: 'message', content: [{ type: 'output_text', text: 'Hi' }] },
      { id: 'f', type: 'function_call', name: 'weather', arguments: '{}' },
    ];
    const end = { type: 'response.completed', response: { status: 'completed', output } };
    expect(readStream(sse(created, ...events, end))).toMatchObject({
      output: 'Hi',
      model: 'grok-4',
      toolCalls: [{ name: 'weather', arguments: '{}' }],
      finishReason: 'completed',
    });
  });

  it('one after the other in one stream add up', () => {
    const text = (words: string) => ({
      type: 'response.output_text.delta',
      output_index: 0,
      content_index: 0,
      delta: words,
    });
    expect(readStream(sse(created, text('one '), created, text('two'))).output).toBe('one two');
  });
});

describe("Anthropic's messages", () => {
  const start = (usage: object) => ({ type: 'message_start', message: { model: 'c', usage } });
  const end = (usage: object) => ({ type: 'message_delta', delta: { stop_reason: 'x' }, usage });

  it.each([
    ['of the start and the end', { input_tokens: 5, output_tokens: 1 }, { output_tokens: 9 }, 5],
    [
      'that grew',
      { input_tokens: 5, output_tokens: 1 },
      { input_tokens: 50, output_tokens: 9 },
      50,
    ],
    ['that a copy sends at the end', { input_tokens: 0 }, { input_tokens: 7, output_tokens: 9 }, 7],
    ['that are null at the end', { input_tokens: 5 }, { input_tokens: null, output_tokens: 9 }, 5],
  ])('have the counts %s', (_what, begin, finish, prompt) => {
    expect(readStream(sse(start(begin), end(finish)))).toMatchObject({
      usage: { prompt_tokens: prompt, completion_tokens: 9 },
      finishReason: 'x',
    });
  });

  it('keep an input that is whole from the start, and one that broke off as text', () => {
    const tool = (index: number, input: object) => ({
      type: 'content_block_start',
      index,
      content_block: { type: 'tool_use', name: `f${index}`, input },
    });
    const piece = {
      type: 'content_block_delta',
      index: 1,
      delta: { type: 'input_json_delta', partial_json: '{"at":"Li' },
    };
    expect(readStream(sse(tool(0, { at: 'x' }), tool(1, {}), piece)).toolCalls).toEqual([
      { name: 'f0', arguments: { at: 'x' } },
      { name: 'f1', arguments: '{"at":"Li' },
    ]);
  });
});

describe("Gemini's answers", () => {
  const parts = (...list: object[]) => ({ candidates: [{ content: { parts: list } }] });

  it('put arguments together that come in pieces', () => {
    const piece = (jsonPath: string, value: object) => ({ partialArgs: [{ jsonPath, ...value }] });
    const calls = [
      { functionCall: { name: 'f', willContinue: true } },
      { functionCall: { ...piece('$.at', { stringValue: 'Lis' }), willContinue: true } },
      { functionCall: { ...piece('$.at', { stringValue: 'boa' }), willContinue: true } },
      { functionCall: piece('$.days', { numberValue: 3 }) },
      { functionCall: {} },
      { functionCall: { name: 'g', args: { x: 1 } } },
    ];
    expect(readStream(sse(...calls.map((call) => parts(call)))).toolCalls).toEqual([
      { name: 'f', arguments: { at: 'Lisboa', days: 3 } },
      { name: 'g', arguments: { x: 1 } },
    ]);
  });

  it('have the first of several candidates as output, whichever comes first', () => {
    const candidate = (index: number, text: string) => ({
      candidates: [{ index, content: { parts: [{ text }] } }],
    });
    expect(readStream(sse(candidate(1, 'B'), candidate(0, 'a'), candidate(0, 'b')))).toMatchObject({
      output: 'ab',
      metadata: { choices: 2 },
    });
  });
});

describe('chunks in memory', () => {
  it('are read from a list, as from a generator', () => {
    const chunks = [delta({ content: 'He' }), delta({ content: 'llo' })];
    expect(KNOWN_FORMATS.items(chunks)).toMatchObject({ output: 'Hello' });
    expect(KNOWN_FORMATS.anyResponse(chunks)).toMatchObject({ output: 'Hello', isExact: true });
  });

  it.each<[unknown]>([[[{ id: 1 }, { id: 2 }]], [[]], [[null, 5, 'x']], [[[[]]]]])(
    'are not seen in %j',
    (list) => expect(KNOWN_FORMATS.anyResponse(list)?.isExact).not.toBe(true),
  );
});

describe("the AI SDK's parts", () => {
  it('of a model by itself have its counts by kind', () => {
    const parts = [
      { type: 'stream-start', warnings: [] },
      { type: 'response-metadata', id: 'r', modelId: 'm' },
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'Hi' },
      { type: 'tool-call', toolCallId: 'c', toolName: 'weather', input: '{}' },
      {
        type: 'finish',
        finishReason: { unified: 'tool-calls', raw: 'tool_use' },
        usage: {
          inputTokens: { total: 5, noCache: 1, cacheRead: 4, cacheWrite: 0 },
          outputTokens: { total: 3, text: 1, reasoning: 2 },
        },
      },
    ];
    expect(KNOWN_FORMATS.items(parts)).toMatchObject({
      output: 'Hi',
      model: 'm',
      toolCalls: [{ name: 'weather' }],
      finishReason: 'tool-calls',
      usage: {
        prompt_tokens: 5,
        completion_tokens: 3,
        cache_read_tokens: 4,
        cache_creation_tokens: 0,
        reasoning_tokens: 2,
      },
    });
  });

  it('as version 4 saves them name the tool within', () => {
    const toolInvocation = { state: 'call', toolCallId: 'c', toolName: 'weather', args: {} };
    const parts = [
      { type: 'tool-invocation', toolInvocation },
      { type: 'text', text: 'Hi' },
    ];
    expect(readAnyResponse({ role: 'assistant', content: 'Hi', parts })).toMatchObject({
      output: 'Hi',
      toolCalls: [{ name: 'weather', arguments: {} }],
    });
  });
});
