import { describe, expect, it } from 'vitest';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';

const readStream = (...events: object[]) =>
  KNOWN_FORMATS.stream(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''));

const USAGE = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const choice = (delta: object | undefined, finish: string | null = null) => ({
  index: 0,
  delta,
  finish_reason: finish,
});
const chunk = (more: object) => ({ object: 'chat.completion.chunk', id: 'c', model: 'm', ...more });
const said = chunk({ choices: [choice({ role: 'assistant', content: 'Hi' })] });
const stop = chunk({ choices: [choice({}, 'stop')] });
const whole = (...choices: object[]) => ({ object: 'chat.completion', model: 'm', choices });

describe('the last chunk of a chat', () => {
  const full = { output: 'Hi', model: 'm', finishReason: 'stop', usage: USAGE };

  it.each<[string, object[]]>([
    ['with usage and an empty list of choices', [{ choices: [], usage: USAGE }]],
    ['with usage and no choices at all', [chunk({ usage: USAGE })]],
    ['with usage and null choices', [chunk({ choices: null, usage: USAGE })]],
    ['whose usage is followed by an empty one', [chunk({ choices: [], usage: USAGE }), {}]],
    ['whose model and id are null', [{ id: null, model: null, choices: [], usage: USAGE }]],
    ["whose usage is in Groq's field alone", [chunk({ choices: [], x_groq: { usage: USAGE } })]],
    [
      'that says the whole message again',
      [
        {
          ...whole({ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }),
          usage: USAGE,
        },
      ],
    ],
  ])('%s', (_what, last) => {
    const later = chunk({ choices: [], usage: {} });
    expect(readStream(said, stop, ...last, later)).toMatchObject(full);
  });

  it("with Groq's own error", () => {
    const failed = chunk({ choices: [], x_groq: { error: 'over capacity' } });
    expect(readStream(said, failed)).toMatchObject({ output: 'Hi', error: 'over capacity' });
  });

  it('which is the only one with a message', () => {
    const message = { role: 'assistant', content: 'Hi', tool_calls: [{ function: { name: 'f' } }] };
    const end = { ...whole({ index: 0, message, finish_reason: 'stop' }), usage: USAGE };
    const begin = chunk({ choices: [choice({ role: 'assistant' })] });
    expect(readStream(begin, end)).toMatchObject({ ...full, toolCalls: [{ name: 'f' }] });
  });
});

describe("Perplexity's chunks, with the message so far in each", () => {
  it('are read by their deltas', () => {
    const event = (content: string, soFar: string, more: object = {}) => ({
      object: 'chat.completion.chunk',
      model: 'sonar',
      choices: [{ ...choice({ content }), message: { content: soFar }, ...more }],
      usage: { ...USAGE, search_context_size: 'low' },
    });
    expect(
      readStream(event('Hi', 'Hi'), event(' you', 'Hi you', { finish_reason: 'stop' })),
    ).toMatchObject({ output: 'Hi you', model: 'sonar', finishReason: 'stop', usage: USAGE });
  });
});

describe("Azure's word of its filter", () => {
  const opening = {
    id: '',
    object: '',
    model: '',
    prompt_filter_results: [{ prompt_index: 0 }],
    choices: [],
  };

  it('may open a chat', () => {
    expect(readStream(opening, said, stop)).toMatchObject({
      output: 'Hi',
      model: 'm',
      finishReason: 'stop',
      raw: { id: 'c', object: 'chat.completion', prompt_filter_results: [{ prompt_index: 0 }] },
    });
  });

  it('may open a completion', () => {
    const text = (words: string, finish: string | null) => ({
      id: 'c',
      object: 'text_completion',
      model: 'gpt',
      choices: [{ index: 0, text: words, finish_reason: finish, logprobs: null }],
    });
    expect(readStream(opening, text('Hi', null), text('!', 'length'))).toMatchObject({
      output: 'Hi!',
      model: 'gpt',
      finishReason: 'length',
      raw: { id: 'c', object: 'text_completion', prompt_filter_results: [{ prompt_index: 0 }] },
    });
  });
});

describe('a whole answer', () => {
  it('that has no choices is one all the same', () => {
    expect(KNOWN_FORMATS.response({ ...whole(), usage: USAGE })).toMatchObject({
      output: '',
      model: 'm',
      usage: USAGE,
    });
  });

  it('of several choices is the first by its index', () => {
    const choices = [
      { index: 1, message: { role: 'assistant', content: 'B' }, finish_reason: 'stop' },
      { index: 0, message: { role: 'assistant', content: 'A' }, finish_reason: 'length' },
    ];
    expect(KNOWN_FORMATS.response(whole(...choices))).toMatchObject({
      output: 'A',
      finishReason: 'length',
    });
  });

  it("of a gateway's may count as Responses do, and name a tool in the call itself", () => {
    const message = { role: 'assistant', content: null, tool_calls: [{ id: '1', name: 'f' }] };
    const usage = { input_tokens: 5, output_tokens: 3, total_tokens: 8 };
    expect(KNOWN_FORMATS.response({ ...whole({ message }), usage })).toMatchObject({
      usage: USAGE,
      toolCalls: [{ name: 'f' }],
    });
  });

  it.each<[string, object, object]>([
    [
      'a chat',
      {
        ...whole({ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }),
        usage: USAGE,
      },
      { output: 'Hi', model: 'm', finishReason: 'stop', usage: USAGE },
    ],
    [
      "Anthropic's",
      {
        type: 'message',
        role: 'assistant',
        model: 'c',
        content: [{ type: 'text', text: 'Hi' }],
        stop_reason: 'end_turn',
      },
      { output: 'Hi', model: 'c', finishReason: 'end_turn' },
    ],
    [
      'a conversation so far, which grows',
      { messages: [{ role: 'user' }, { role: 'assistant', content: 'Hi' }] },
      { output: 'Hi' },
    ],
  ])('as a stream of one event: %s', (_whose, body, parts) => {
    const ping = { type: 'ping' };
    expect(readStream(ping, body)).toMatchObject({ ...parts, isExact: true, raw: body });
    expect(readStream({ text: 'a' }, body).output).not.toBe('Hi');
  });
});
