import type { ToolCall, Usage } from '../../types.ts';
import { isObject } from '../inputs/json.ts';
import { indexedList } from './indexed.ts';
import type { KeptSpan } from './kept-span.ts';
import { type Conversation, joined, parsed, readConversation, toolCallsIn } from './messages.ts';
import type { Attributes, SpanEvent, Value } from './span.ts';

/** What a span says of a model's, tool's or agent's work, whichever conventions it keeps to. */
export interface Work {
  input: string | undefined;
  output: string | undefined;
  rawInput: unknown;
  rawOutput: unknown;
  systemPrompt: string | undefined;
  model: string | undefined;
  provider: string | undefined;
  usage: Usage | undefined;
  finishReason: string | undefined;
  toolCalls: ToolCall[];
  firstTokenMs: number | undefined;
  error: string | undefined;
}

/*
 * Names in the order of trust: the present conventions, their earlier spellings, OpenLLMetry's, the AI SDK's,
 * OpenInference's. https://github.com/open-telemetry/semantic-conventions-genai
 */
const INPUTS = [
  ...['gen_ai.input.messages', 'gen_ai.prompt', 'ai.prompt.messages', 'ai.prompt'],
  ...['gen_ai.tool.call.arguments', 'ai.toolCall.args', 'traceloop.entity.input', 'input.value'],
];
const OUTPUTS = [
  ...['gen_ai.output.messages', 'gen_ai.completion', 'ai.response.text', 'ai.response.object'],
  ...['gen_ai.tool.call.result', 'ai.toolCall.result', 'traceloop.entity.output', 'output.value'],
];
const INPUT_LISTS = ['gen_ai.prompt', 'llm.input_messages'];
const OUTPUT_LISTS = ['gen_ai.completion', 'llm.output_messages'];
const MODELS = [
  ...['gen_ai.response.model', 'ai.response.model', 'gen_ai.request.model', 'ai.model.id'],
  ...['llm.response.model', 'llm.request.model', 'llm.model_name'],
];
const PROVIDERS = ['gen_ai.provider.name', 'gen_ai.system', 'ai.model.provider', 'llm.provider'];
const TOKENS: Record<keyof Usage, readonly string[]> = {
  prompt_tokens: [
    ...['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens', 'ai.usage.inputTokens'],
    ...['ai.usage.promptTokens', 'llm.usage.prompt_tokens', 'llm.token_count.prompt'],
  ],
  completion_tokens: [
    ...['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens', 'ai.usage.outputTokens'],
    ...['ai.usage.completionTokens', 'llm.usage.completion_tokens', 'llm.token_count.completion'],
  ],
  total_tokens: [
    ...['gen_ai.usage.total_tokens', 'llm.usage.total_tokens', 'ai.usage.totalTokens'],
    ...['ai.usage.tokens', 'llm.token_count.total'],
  ],
  cache_read_tokens: [
    ...['gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens'],
    ...['ai.usage.cachedInputTokens', 'llm.token_count.prompt_details.cache_read'],
  ],
  cache_creation_tokens: [
    ...['gen_ai.usage.cache_creation.input_tokens', 'gen_ai.usage.cache_creation_input_tokens'],
    ...['gen_ai.usage.cache_write.input_tokens', 'llm.token_count.prompt_details.cache_write'],
  ],
  reasoning_tokens: [
    ...['gen_ai.usage.reasoning.output_tokens', 'gen_ai.usage.reasoning_tokens'],
    ...['ai.usage.reasoningTokens', 'llm.token_count.completion_details.reasoning'],
  ],
};

export function workOf(span: KeptSpan): Work {
  const attributes = withDetails(span);
  const input = conversation(attributes, span.events, 'user', INPUTS, INPUT_LISTS, INPUT_EVENTS);
  const output = conversation(
    ...([attributes, span.events, 'assistant', OUTPUTS, OUTPUT_LISTS, OUTPUT_EVENTS] as const),
  );
  const instructions = readConversation(attributes['gen_ai.system_instructions'], 'user');
  const instruction = Array.isArray(instructions.raw)
    ? readConversation([{ role: 'system', parts: instructions.raw }], 'user').system
    : instructions.text;
  const calls = [...output.toolCalls, ...toolCallsIn(attributes['ai.response.toolCalls'])];
  return {
    input: input.text,
    output: output.text,
    rawInput: input.raw,
    rawOutput: output.raw,
    systemPrompt: joined([instruction, input.system, aiSystem(attributes)]),
    model: textAt(attributes, MODELS),
    provider: textAt(attributes, PROVIDERS),
    usage: usageIn(attributes),
    finishReason: finishReasonIn(attributes, output.raw),
    toolCalls: calls,
    firstTokenMs: firstTokenIn(attributes),
    error: errorOf(span),
  };
}

/** The texts may stand in an event of the present conventions, under the same names. */
function withDetails({ attributes, events }: KeptSpan): Attributes {
  const details = events.filter(({ name }) => name === 'gen_ai.client.inference.operation.details');
  return Object.fromEntries(
    [...details.map((event) => event.attributes), attributes].flatMap((part) =>
      Object.entries(part),
    ),
  );
}

const INPUT_EVENTS: Record<string, string> = {
  'gen_ai.system.message': 'system',
  'gen_ai.user.message': 'user',
  'gen_ai.assistant.message': 'assistant',
  'gen_ai.tool.message': 'tool',
  'gen_ai.content.prompt': 'user',
};
const OUTPUT_EVENTS: Record<string, string> = {
  'gen_ai.choice': 'assistant',
  'gen_ai.content.completion': 'assistant',
};

function conversation(
  attributes: Attributes,
  events: readonly SpanEvent[],
  side: 'user' | 'assistant',
  names: readonly string[],
  lists: readonly string[],
  eventRoles: Readonly<Record<string, string>>,
): Conversation {
  const candidates: (() => unknown)[] = [
    () => attributes[names[0] ?? ''],
    ...lists.map((prefix) => () => indexedList(attributes, prefix)),
    () => messagesOfEvents(events, eventRoles, side),
    ...names.slice(1).map((name) => () => attributes[name]),
  ];
  for (const candidate of candidates) {
    const value = candidate();
    if (value === undefined || value === null || value === '') continue;
    const read = readConversation(value, side);
    if (read.text !== undefined || read.toolCalls.length > 0) return read;
  }
  return { text: undefined, system: undefined, toolCalls: [], raw: undefined };
}

/** Events came before attributes: one for each message, its content in the event's attributes. */
function messagesOfEvents(
  events: readonly SpanEvent[],
  roles: Readonly<Record<string, string>>,
  side: 'user' | 'assistant',
): unknown {
  const found = events.filter(({ name }) => Object.hasOwn(roles, name));
  if (found.length === 0) return undefined;
  const [first] = found;
  if (first?.name.startsWith('gen_ai.content.')) {
    return first.attributes[side === 'user' ? 'gen_ai.prompt' : 'gen_ai.completion'];
  }
  return found.map(({ name, attributes }) => ({
    role: roles[name],
    ...attributes,
    // Python's instrumentations put the whole body into one attribute.
    ...(isObject(parsed(attributes['gen_ai.event.content']))
      ? (parsed(attributes['gen_ai.event.content']) as object)
      : {}),
  }));
}

function aiSystem(attributes: Attributes): string | undefined {
  const prompt = parsed(attributes['ai.prompt']);
  return isObject(prompt) && typeof prompt.system === 'string' && attributes['ai.prompt.messages']
    ? prompt.system
    : undefined;
}

export function textAt(attributes: Attributes, names: readonly string[]): string | undefined {
  const found = names.map((name) => attributes[name]).find(isText);
  return isText(found) ? found : undefined;
}

function isText(value: Value | undefined): value is string {
  return typeof value === 'string' && value !== '';
}

function usageIn(attributes: Attributes): Usage | undefined {
  const counts = Object.entries(TOKENS).flatMap(([field, names]) => {
    const count = names.map((name) => attributes[name]).find((value) => isCount(value));
    return count === undefined ? [] : [[field, count]];
  });
  return counts.length === 0 ? undefined : (Object.fromEntries(counts) as Usage);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function finishReasonIn(attributes: Attributes, rawOutput: unknown): string | undefined {
  const listed = parsed(attributes['gen_ai.response.finish_reasons']);
  const [first] = Array.isArray(listed) ? listed : [listed];
  if (typeof first === 'string' && first !== '') return first;
  const named = textAt(attributes, ['ai.response.finishReason', 'llm.response.finish_reason']);
  if (named !== undefined) return named;
  const last = Array.isArray(rawOutput) ? rawOutput.at(-1) : undefined;
  const reason = isObject(last) ? last.finish_reason : undefined;
  return typeof reason === 'string' && reason !== '' ? reason : undefined;
}

function firstTokenIn(attributes: Attributes): number | undefined {
  const seconds = attributes['gen_ai.response.time_to_first_chunk'];
  const ms = attributes['ai.response.msToFirstChunk'];
  if (isCount(seconds)) return seconds * 1000;
  return isCount(ms) ? ms : undefined;
}

/** As our own errors are told: name and message. */
function errorOf({ isError, message, attributes, events }: KeptSpan): string | undefined {
  if (!isError) return undefined;
  const exception = events.findLast(({ name }) => name === 'exception')?.attributes ?? {};
  const type = textAt(exception, ['exception.type']) ?? textAt(attributes, ['error.type']);
  const text = message ?? textAt(exception, ['exception.message']);
  if (text === undefined || text === type) return type ?? 'error';
  return type === undefined || text.startsWith(`${type}:`) ? text : `${type}: ${text}`;
}
