import { describe, expect, it } from 'vitest';
import { answeringApp, post, sending } from '../helpers/answering-app.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = { messages: [{ role: 'user', content: 'Hi' }] };

async function answered(answer: Parameters<typeof answeringApp>[1]) {
  const { phospho, events } = testPhospho();
  await post(answeringApp(phospho, answer), '/', ASKED);
  return events();
}

const sse = (...events: object[]) =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

describe("a provider's error", () => {
  it.each<[string, number, object, string]>([
    ['OpenAI, Groq', 401, { error: { message: 'bad key', type: 'x', code: 'y' } }, 'bad key'],
    ['Azure', 400, { error: { code: 'content_filter', message: 'filtered' } }, 'filtered'],
    [
      'Anthropic',
      529,
      { type: 'error', error: { type: 'x', message: 'Overloaded' } },
      'Overloaded',
    ],
    ['Gemini', 429, { error: { code: 429, message: 'quota', status: 'X' } }, 'quota'],
    ['Gemini, in a stream', 429, [{ error: { code: 429, message: 'quota' } }], 'quota'],
    ['Cohere', 400, { id: 'x', message: 'invalid request' }, 'invalid request'],
    ['Mistral', 400, { object: 'error', message: 'wrong role', type: 'x' }, 'wrong role'],
    [
      'Mistral, vLLM',
      422,
      { detail: [{ loc: ['body'], msg: 'field required' }] },
      'field required',
    ],
    ['Ollama', 404, { error: 'model not found' }, 'model not found'],
    ['xAI', 400, { code: 'x', error: 'Incorrect key' }, 'Incorrect key'],
    ['Alibaba', 400, { code: 'InvalidApiKey', message: 'no key', request_id: '1' }, 'no key'],
  ])('%s: %i', async (_whose, status, body, error) => {
    expect(await answered((res) => void res.status(status).json(body))).toMatchObject([
      { output: expect.not.stringContaining(error), metadata: { outcome: 'error', error, status } },
    ]);
  });

  it.each<[string, string, string, string, string]>([
    [
      'Anthropic',
      'text/event-stream',
      `event: message_start\n${sse({ type: 'message_start', message: { model: 'm', usage: {} } })}` +
        sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'It ' } }) +
        `event: error\n${sse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } })}`,
      'It ',
      'Overloaded',
    ],
    [
      'OpenAI Responses, failed',
      'text/event-stream',
      sse(
        { type: 'response.created', response: { id: 'r', model: 'm', output: [] } },
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'It ' },
        {
          type: 'response.failed',
          response: {
            id: 'r',
            status: 'failed',
            error: { code: 'x', message: 'broke' },
            output: [],
          },
        },
      ),
      'It ',
      'broke',
    ],
    [
      'OpenAI Responses, an error event',
      'text/event-stream',
      sse(
        { type: 'response.created', response: { id: 'r', model: 'm', output: [] } },
        { type: 'response.output_text.delta', output_index: 0, content_index: 0, delta: 'It ' },
        { type: 'error', code: 'x', message: 'slow down', param: null, sequence_number: 2 },
      ),
      'It ',
      'slow down',
    ],
    [
      'Groq, OpenRouter',
      'text/event-stream',
      sse(
        { object: 'chat.completion.chunk', choices: [{ index: 0, delta: { content: 'It ' } }] },
        { error: { message: 'broke' }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
      ),
      'It ',
      'broke',
    ],
    [
      'Gemini',
      'text/event-stream',
      sse(
        { candidates: [{ content: { parts: [{ text: 'It ' }] } }], modelVersion: 'g' },
        { error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } },
      ),
      'It ',
      'overloaded',
    ],
    [
      'Bedrock',
      'application/x-ndjson',
      `${JSON.stringify({ contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'It ' } } })}\n` +
        `${JSON.stringify({ throttlingException: { message: 'slow down' } })}\n`,
      'It ',
      'slow down',
    ],
    [
      'Ollama',
      'application/x-ndjson',
      `${JSON.stringify({ model: 'l', created_at: 'x', response: 'It ', done: false })}\n{"error":"broke"}\n`,
      'It ',
      'broke',
    ],
    [
      'Cohere',
      'text/event-stream',
      sse(
        { type: 'content-delta', index: 0, delta: { message: { content: { text: 'It ' } } } },
        { type: 'message-end', delta: { finish_reason: 'ERROR', error: 'broke' } },
      ),
      'It ',
      'broke',
    ],
    [
      'the AI SDK',
      'text/event-stream',
      sse(
        { type: 'text-start', id: '1' },
        { type: 'text-delta', id: '1', delta: 'It ' },
        { type: 'error', errorText: 'broke' },
      ),
      'It ',
      'broke',
    ],
    ['the AI SDK 4', 'text/plain', '0:"It "\n3:"broke"\n', 'It ', 'broke'],
  ])('%s, in a stream that began with 200', async (_whose, type, body, output, error) => {
    expect(await answered(sending(type, body))).toMatchObject([
      { output, metadata: { outcome: 'error', error } },
    ]);
  });
});

describe('an answer that is refused or cut short', () => {
  it.each<[string, object, object]>([
    [
      "Gemini's blocked prompt",
      { promptFeedback: { blockReason: 'SAFETY' }, modelVersion: 'g', usageMetadata: {} },
      { output: '', model: 'g', metadata: { finish_reason: 'SAFETY', outcome: 'complete' } },
    ],
    [
      "Responses' refusal",
      {
        object: 'response',
        status: 'completed',
        output: [{ type: 'message', content: [{ type: 'refusal', refusal: 'I cannot.' }] }],
      },
      { output: 'I cannot.', metadata: { refusal: 'I cannot.', finish_reason: 'completed' } },
    ],
    [
      "chat's refusal",
      {
        object: 'chat.completion',
        choices: [{ message: { content: null, refusal: 'I cannot.' }, finish_reason: 'stop' }],
      },
      { output: 'I cannot.', metadata: { refusal: 'I cannot.' } },
    ],
    [
      "Azure's filter",
      {
        choices: [
          {
            content_filter_results: { hate: { filtered: true } },
            finish_reason: 'content_filter',
            index: 0,
            message: { role: 'assistant' },
          },
        ],
        model: 'm',
        object: 'chat.completion',
      },
      { output: '', model: 'm', metadata: { finish_reason: 'content_filter' } },
    ],
    [
      "Anthropic's refusal",
      { type: 'message', role: 'assistant', content: [], stop_reason: 'refusal', model: 'c' },
      { output: '', model: 'c', metadata: { finish_reason: 'refusal' } },
    ],
  ])('%s', async (_what, body, event) => {
    expect(await answered((res) => void res.json(body))).toMatchObject([event]);
  });
});
