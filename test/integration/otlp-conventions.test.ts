import { describe, expect, it } from 'vitest';
import type { TaskContent } from '../../src/types.ts';
import { hex, request, span, startTracing, stepsOf } from './otlp-helpers.ts';

const MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Old' },
  { role: 'assistant', content: 'Older' },
  { role: 'user', content: 'Hi' },
];
const ASKED = { input: 'Hi', output: 'Hello' };
const CHAT = { 'gen_ai.operation.name': 'chat' };

interface Case {
  name: string;
  spans: Parameters<typeof span>[0][];
  scope?: string;
  resource?: Record<string, unknown>;
  expected: object | object[];
  steps?: object[];
}

const one = (name: string, attributes: object, expected: object, events: object[] = []): Case => ({
  name,
  spans: [{ id: 1, attributes: { ...attributes }, events: events as never }],
  expected,
});

const CASES: Case[] = [
  one(
    'messages as structures, as the conventions have them now',
    {
      ...CHAT,
      'gen_ai.system_instructions': [{ type: 'text', content: 'Be brief.' }],
      'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }],
      'gen_ai.output.messages': [
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: 'Hm' },
            { type: 'text', content: 'Hello' },
          ],
          finish_reason: 'stop',
        },
      ],
      'gen_ai.request.model': 'asked',
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.usage.output_tokens': 2,
      'gen_ai.usage.cache_read.input_tokens': 1,
      'gen_ai.usage.reasoning.output_tokens': 1,
      'gen_ai.conversation.id': 'c1',
      'user.id': 'ada',
    },
    {
      ...ASKED,
      session_id: 'c1',
      metadata: {
        ...{ system_prompt: 'Be brief.', model: 'asked', finish_reason: 'stop', user_id: 'ada' },
        ...{ prompt_tokens: 3, completion_tokens: 2, cache_read_tokens: 1, reasoning_tokens: 1 },
      },
    },
  ),
  one(
    'the earlier prompt and completion',
    {
      'gen_ai.prompt': JSON.stringify(MESSAGES),
      'gen_ai.completion': '[{"role":"assistant","content":"Hello"}]',
      'gen_ai.usage.prompt_tokens': 3,
      'gen_ai.usage.completion_tokens': 2,
      'gen_ai.response.finish_reasons': '["length"]',
    },
    {
      ...ASKED,
      metadata: {
        ...{ system_prompt: 'Be brief.', prompt_tokens: 3, completion_tokens: 2 },
        finish_reason: 'length',
      },
    },
  ),
  one(
    'OpenLLMetry’s numbered attributes',
    {
      'gen_ai.system': 'OpenAI',
      'gen_ai.prompt.0.role': 'system',
      'gen_ai.prompt.0.content': 'Be brief.',
      'gen_ai.prompt.1.role': 'user',
      'gen_ai.prompt.1.content': 'Hi',
      'gen_ai.completion.0.role': 'assistant',
      'gen_ai.completion.0.content': 'Hello',
      'gen_ai.completion.0.finish_reason': 'stop',
      'gen_ai.completion.0.tool_calls.0.name': 'look',
      'gen_ai.completion.0.tool_calls.0.arguments': '{"at":1}',
      'llm.usage.total_tokens': 5,
      'traceloop.association.properties.session_id': 's7',
      'traceloop.association.properties.plan': 'free',
    },
    {
      ...ASKED,
      session_id: 's7',
      metadata: {
        ...{ system_prompt: 'Be brief.', finish_reason: 'stop', total_tokens: 5, plan: 'free' },
        ...{ provider: 'OpenAI', tool_calls: [{ name: 'look', arguments: '{"at":1}' }] },
      },
    },
  ),
  one('events, one for each message', CHAT, { ...ASKED, metadata: { finish_reason: 'stop' } }, [
    { name: 'gen_ai.system.message', attributes: { content: 'Be brief.' } },
    { name: 'gen_ai.user.message', attributes: { content: 'Hi' } },
    {
      name: 'gen_ai.choice',
      attributes: { index: 0, finish_reason: 'stop', message: '{"content":"Hello"}' },
    },
  ]),
  one('events with the whole prompt', CHAT, ASKED, [
    { name: 'gen_ai.content.prompt', attributes: { 'gen_ai.prompt': JSON.stringify(MESSAGES) } },
    { name: 'gen_ai.content.completion', attributes: { 'gen_ai.completion': 'Hello' } },
  ]),
  one('an event of the operation’s details', CHAT, ASKED, [
    {
      name: 'gen_ai.client.inference.operation.details',
      attributes: { 'gen_ai.input.messages': MESSAGES, 'gen_ai.output.messages': 'Hello' },
    },
  ]),
  one(
    'a model’s call without any text, which is the conventions’ default',
    { ...CHAT, 'gen_ai.response.model': 'm', 'gen_ai.usage.input_tokens': 4 },
    { input: '', output: null, metadata: { model: 'm', prompt_tokens: 4, outcome: 'complete' } },
  ),
  {
    name: 'OpenLLMetry’s workflow',
    spans: [
      {
        id: 1,
        attributes: {
          'traceloop.span.kind': 'workflow',
          'traceloop.entity.input': '{"question":"Hi"}',
          'traceloop.entity.output': '{"answer":"Hello"}',
        },
      },
      { id: 2, parent: 1, attributes: { ...CHAT, 'gen_ai.response.model': 'm' } },
    ],
    expected: { ...ASKED, additional_input: { question: 'Hi' }, metadata: { model: 'm' } },
    steps: [{ model: 'm' }],
  },
  {
    name: 'OpenInference’s chain',
    spans: [
      {
        id: 1,
        attributes: { 'openinference.span.kind': 'CHAIN', 'input.value': 'Hi' },
      },
      {
        id: 2,
        parent: 1,
        attributes: {
          'openinference.span.kind': 'LLM',
          'llm.model_name': 'm',
          'llm.token_count.prompt': 3,
          'llm.input_messages.0.message.role': 'user',
          'llm.input_messages.0.message.content': 'Rewritten',
          'llm.output_messages.0.message.role': 'assistant',
          'llm.output_messages.0.message.content': 'Hello',
        },
      },
    ],
    expected: { ...ASKED, metadata: { model: 'm', prompt_tokens: 3 } },
    steps: [{ input: 'Rewritten', output: 'Hello', model: 'm' }],
  },
  {
    name: 'the AI SDK’s generateText with a tool, whose totals count once',
    spans: [
      {
        id: 1,
        name: 'ai.generateText',
        end: 9,
        attributes: {
          'ai.operationId': 'ai.generateText',
          'ai.model.id': 'm',
          'ai.prompt': JSON.stringify({ system: 'Be brief.', prompt: 'Hi' }),
          'ai.response.text': 'Hello',
          'ai.response.finishReason': 'stop',
          'ai.usage.inputTokens': 30,
          'ai.usage.outputTokens': 20,
          'ai.usage.cachedInputTokens': 2,
          'ai.telemetry.metadata.userId': 'ada',
        },
      },
      {
        id: 2,
        parent: 1,
        name: 'ai.generateText.doGenerate',
        attributes: {
          'ai.operationId': 'ai.generateText.doGenerate',
          'ai.prompt.messages': JSON.stringify([
            { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
          ]),
          'ai.response.toolCalls': '[{"toolCallId":"1","toolName":"look","input":"{}"}]',
          'gen_ai.usage.input_tokens': 30,
        },
      },
      {
        id: 3,
        parent: 1,
        name: 'ai.toolCall',
        attributes: {
          'ai.operationId': 'ai.toolCall',
          'ai.toolCall.name': 'look',
          'ai.toolCall.args': '{"at":1}',
          'ai.toolCall.result': '"here"',
        },
      },
    ],
    expected: {
      ...ASKED,
      metadata: {
        ...{ prompt_tokens: 30, completion_tokens: 20, cache_read_tokens: 2, model: 'm' },
        ...{ system_prompt: 'Be brief.', user_id: 'ada' },
      },
    },
    steps: [
      { input: 'Hi', tool_calls: [{ name: 'look', arguments: '{}' }] },
      { input: '{"at":1}', output: 'here' },
    ],
  },
  {
    name: 'phospho’s attributes, and what the resource says',
    resource: {
      ...{ 'service.name': 'shop', 'service.version': '1.2' },
      'deployment.environment.name': 'staging',
    },
    spans: [
      {
        id: 1,
        end: 1501,
        attributes: {
          ...CHAT,
          ...{ 'phospho.task_id': 'my-task', 'phospho.session_id': 's8' },
          ...{ 'phospho.metadata.plan': 'gold', 'phospho.metadata.seats': 3 },
          ...{ 'phospho.metadata.__proto__': 'x', 'gen_ai.prompt': 'Hi' },
        },
      },
    ],
    expected: {
      id: 'my-task',
      input: 'Hi',
      session_id: 's8',
      environment: 'staging',
      created_at: 1_790_000_000,
      metadata: {
        ...{ plan: 'gold', seats: 3, service_name: 'shop', version_id: '1.2', latency_ms: 1500 },
      },
    },
  },
  {
    name: 'an error with its message, of a call below a request and a database’s span',
    spans: [
      { id: 1, attributes: { 'http.request.method': 'POST', 'user.id': 'eve' } },
      { id: 2, parent: 1, attributes: { 'db.system.name': 'postgresql' } },
      {
        id: 3,
        parent: 2,
        attributes: { ...CHAT, 'error.type': 'RateLimitError' },
        status: { code: 2, message: 'slow down' },
      },
    ],
    expected: {
      metadata: { outcome: 'error', error: 'RateLimitError: slow down', user_id: 'eve' },
    },
    steps: [],
  },
  {
    name: 'two calls that nothing of a model’s work contains as two tasks',
    spans: [
      { id: 1, end: 9 },
      { id: 2, parent: 1, attributes: { ...CHAT, 'gen_ai.prompt': 'First' } },
      { id: 3, parent: 1, attributes: { ...CHAT, 'gen_ai.prompt': 'Second' } },
    ],
    expected: [{ input: 'Second' }, { input: 'First' }],
  },
  {
    name: 'the ids of a later span with phospho.propagate on the earlier ones: one task',
    spans: [
      { id: 1, end: 9 },
      { id: 2, parent: 1, attributes: { ...CHAT, 'gen_ai.prompt': 'Hi' } },
      { id: 3, parent: 1, attributes: { ...CHAT, 'gen_ai.completion': 'Hello' } },
      {
        id: 4,
        parent: 1,
        attributes: {
          ...{ 'phospho.propagate': true, 'phospho.task_id': 'given', 'phospho.session_id': 's9' },
          'phospho.metadata.plan': 'gold',
        },
      },
    ],
    expected: { ...ASKED, id: 'given', session_id: 's9', metadata: { plan: 'gold' } },
    steps: [{ input: 'Hi' }, { output: 'Hello' }],
  },
  {
    name: 'steps within steps, past spans of other kinds',
    spans: [
      { id: 1, end: 9, attributes: { 'gen_ai.operation.name': 'invoke_agent' } },
      { id: 2, parent: 1, end: 8, attributes: { 'gen_ai.operation.name': 'invoke_agent' } },
      { id: 3, parent: 2, end: 7, attributes: { 'http.request.method': 'GET' } },
      { id: 4, parent: 3, end: 6, attributes: { ...CHAT, 'gen_ai.completion': 'Hello' } },
    ],
    expected: { output: 'Hello' },
    steps: [{ name: 'span 2', steps: [{ name: 'span 4', output: 'Hello' }] }],
  },
  {
    name: 'an id that cannot be one as absent',
    spans: [
      {
        id: 1,
        attributes: {
          ...CHAT,
          'phospho.session_id': '\u0000',
          'phospho.task_id': '',
          'session.id': 'ok',
        },
      },
    ],
    expected: { session_id: 'ok' },
  },
];

/** Traces wait for their spans, so all of them wait together. */
let all: Promise<TaskContent[]> | undefined;

async function sendAll(): Promise<TaskContent[]> {
  const { send, tasksWhen } = await startTracing();
  for (const [index, { spans, resource, scope }] of CASES.entries()) {
    const sent = spans.map((spec) => span({ ...spec, trace: index + 1 }));
    const { body } = await send(request(sent, resource, scope)).expect(200);
    expect(body).toEqual({});
  }
  const count = CASES.reduce((sum, { expected }) => sum + [expected].flat().length, 0);
  return tasksWhen((found) => found.length >= count);
}

describe('a trace becomes a task, whatever conventions it keeps to:', () => {
  it.each(CASES.map((given, index) => [given.name, index + 1, given] as const))(
    '%s',
    async (_name, trace, { expected, steps }) => {
      all ??= sendAll();
      const tasks = await all;
      const found = tasks.filter(({ metadata }) => metadata?.trace_id === hex(trace, 32));
      expect(found).toMatchObject([expected].flat());
      if (steps !== undefined) expect(stepsOf(found[0])).toMatchObject(steps);
    },
  );
});
