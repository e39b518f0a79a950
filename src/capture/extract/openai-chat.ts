import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import type { Format, ResponseParts, StreamedParts, StreamReader, Usage } from './format.ts';
import { streamError } from './generic.ts';
import { isChatRequest, readChatRequest } from './messages.ts';
import { anyText, asNumber, asString, contentText, isObject } from './text.ts';

/**
 * OpenAI's chat completions, and everything that copies them (Azure, Groq, Mistral, DeepSeek, xAI …).
 * Source: https://platform.openai.com/docs/api-reference/chat (object, and streaming object).
 */
export const openaiChat: Format = {
  name: 'openai-chat',
  request: readChatRequest,
  isRequest: isChatRequest,
  response: readCompletion,
  stream: (first) => (isChunk(first.json) ? new ChunkReader() : undefined),
};

function readCompletion(body: JsonObject): ResponseParts | undefined {
  const choice = firstChoice(body);
  if (choice === undefined || !isObject(choice.message)) return undefined;
  const { message } = choice;
  return {
    output: contentText(message.content, '') || asString(message.refusal) || '',
    model: asString(body.model),
    usage: readUsage(body.usage),
    reasoning: reasoningOf(message) || undefined,
    toolCalls: toolCallsOf(message.tool_calls),
    finishReason: asString(choice.finish_reason),
  };
}

function isChunk(value: unknown): value is JsonObject {
  if (!isObject(value) || !Array.isArray(value.choices)) return false;
  // Azure opens with a chunk of no choices, about its content filter.
  return value.choices.length === 0
    ? value.object === 'chat.completion.chunk' || 'prompt_filter_results' in value
    : isObject(value.choices[0]) && isObject(value.choices[0].delta);
}

/** Deltas into one completion, in the shape that the same call gives without `stream`. */
class ChunkReader implements StreamReader {
  /** The last chunk's top-level fields win; `choices` and `usage` are kept apart. */
  #envelope: JsonObject = {};
  #usage: unknown;
  #error: string | undefined;
  readonly #choices = new Map<number, Choice>();

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    const { json } = event;
    if (!isObject(json) || !Array.isArray(json.choices)) return;
    const { choices, usage, x_groq: groq, ...envelope } = json;
    Object.assign(this.#envelope, envelope);
    // Groq reports usage in its own field as well, in early versions only there.
    this.#usage = usage ?? (isObject(groq) ? groq.usage : undefined) ?? this.#usage;
    for (const choice of choices) if (isObject(choice)) this.#pushChoice(choice);
  }

  end(): StreamedParts {
    const body: JsonObject = {
      ...this.#envelope,
      object: 'chat.completion',
      // Several answers come interleaved; the first one is the output, as it is without `stream`.
      choices: [...this.#choices.values()]
        .sort((one, other) => one.index - other.index)
        .map((choice) => choice.finish()),
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
    };
    const parts = readCompletion(body) ?? {
      output: '',
      model: asString(body.model),
      usage: readUsage(this.#usage),
    };
    return { ...parts, error: this.#error, raw: body };
  }

  #pushChoice(choice: JsonObject): void {
    const index = asNumber(choice.index) ?? 0;
    let known = this.#choices.get(index);
    if (known === undefined) {
      known = new Choice(index);
      this.#choices.set(index, known);
    }
    known.push(choice);
  }
}

/** One choice as it grows. */
class Choice {
  readonly index: number;
  #role = 'assistant';
  #finish: unknown = null;
  readonly #texts = new Map<string, string[]>();
  readonly #tools: ToolCallParts[] = [];
  /** The call that an index stands for at this point. */
  readonly #toolAt = new Map<number, ToolCallParts>();

  constructor(index: number) {
    this.index = index;
  }

  push({ delta, finish_reason: finish }: JsonObject): void {
    if (finish !== undefined && finish !== null) this.#finish = finish;
    if (!isObject(delta)) return;
    if (typeof delta.role === 'string' && delta.role !== '') this.#role = delta.role;
    this.#append('content', contentText(delta.content, ''));
    this.#append('reasoning_content', reasoningOf(delta));
    this.#append('refusal', asString(delta.refusal) ?? '');
    if (!Array.isArray(delta.tool_calls)) return;
    for (const call of delta.tool_calls) if (isObject(call)) this.#pushTool(call);
  }

  finish(): JsonObject {
    const message: JsonObject = { role: this.#role, content: null };
    for (const [key, texts] of this.#texts) message[key] = texts.join('');
    if (this.#tools.length > 0) {
      message.tool_calls = this.#tools.map(({ id, type, name, args }) => ({
        id,
        type,
        function: { name, arguments: args.join('') },
      }));
    }
    return { index: this.index, message, finish_reason: this.#finish };
  }

  #append(key: string, text: string): void {
    if (text === '') return;
    const texts = this.#texts.get(key);
    if (texts) texts.push(text);
    else this.#texts.set(key, [text]);
  }

  #pushTool(call: JsonObject): void {
    const about = isObject(call.function) ? call.function : {};
    const [id, name] = [asString(call.id) ?? '', asString(about.name) ?? ''];
    const index = asNumber(call.index);
    let known = index === undefined ? this.#tools.at(-1) : this.#toolAt.get(index);
    if (known === undefined || isAnother(known, id, name, index)) {
      known = { id: undefined, type: 'function', name: '', args: [] };
      this.#tools.push(known);
    }
    if (index !== undefined) this.#toolAt.set(index, known);
    known.id ??= id || undefined;
    if (typeof call.type === 'string') known.type = call.type;
    known.name ||= name;
    known.args.push(anyText(about.arguments));
  }
}

/**
 * Gemini's copy of the API gives no index, or 0 for each call, and a name with each; others give every
 * piece of one call a new id, but only the first a name.
 */
function isAnother(
  known: ToolCallParts,
  id: string,
  name: string,
  index: number | undefined,
): boolean {
  if (name === '' || known.name === '') return false;
  return id === '' || known.id === undefined ? index === undefined : id !== known.id;
}

interface ToolCallParts {
  id: string | undefined;
  type: string;
  name: string;
  args: string[];
}

function firstChoice(body: JsonObject): JsonObject | undefined {
  const first = Array.isArray(body.choices) ? body.choices[0] : undefined;
  return isObject(first) ? first : undefined;
}

/**
 * Thinking text: `reasoning_content` (DeepSeek, xAI, vLLM), `reasoning` (Groq, OpenRouter), or Mistral's
 * `{type: 'thinking', thinking: [{text}]}` parts within the content.
 */
function reasoningOf(message: JsonObject): string {
  const direct = asString(message.reasoning_content) || asString(message.reasoning);
  if (direct) return direct;
  if (!Array.isArray(message.content)) return '';
  return message.content
    .map((part) => (isObject(part) ? contentText(part.thinking, '') : ''))
    .join('');
}

function toolCallsOf(calls: unknown): ResponseParts['toolCalls'] {
  if (!Array.isArray(calls) || calls.length === 0) return undefined;
  return calls.flatMap((call) => {
    const about = isObject(call) ? (call.function ?? call.custom) : undefined;
    const name = isObject(about) ? asString(about.name) : undefined;
    if (!isObject(about) || name === undefined) return [];
    return [{ name, arguments: about.arguments ?? about.input }];
  });
}

function readUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const promptDetails = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const outputDetails = isObject(usage.completion_tokens_details)
    ? usage.completion_tokens_details
    : {};
  const counts: { [key in keyof Usage]: number | undefined } = {
    prompt_tokens: asNumber(usage.prompt_tokens),
    completion_tokens: asNumber(usage.completion_tokens),
    total_tokens: asNumber(usage.total_tokens),
    cache_read_tokens: asNumber(promptDetails.cached_tokens),
    reasoning_tokens: asNumber(outputDetails.reasoning_tokens),
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined));
}
