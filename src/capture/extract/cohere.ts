import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { streamError } from './errors.ts';
import type { Format, ResponseParts, StreamedParts, StreamReader, Usage } from './format.ts';
import { ToolCallParts, toolCallsOf } from './openai-tools.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { asString, contentText, isObject } from './text.ts';
import { usageOf } from './usage.ts';

/**
 * Cohere's chat, version 2. Requests are chat bodies.
 * Source: https://docs.cohere.com/v2/reference/chat and https://docs.cohere.com/v2/reference/chat-stream
 */
export const cohere: Format = {
  name: 'cohere',
  response: (body) => (isAnswer(body) ? readAnswer(body) : undefined),
  stream: ({ json }) => (isObject(json) && isFirst(json) ? new CohereReader() : undefined),
};

/** Its reasons are in capitals, unlike those of apps with a `message` of their own. */
function isAnswer({ message, finish_reason: finish }: JsonObject): boolean {
  const isMessage = isObject(message) && message.role === 'assistant';
  return isMessage && typeof finish === 'string' && /^[A-Z_]+$/.test(finish);
}

const FIRST = new Set<unknown>([
  'message-start',
  'content-start',
  'content-delta',
  'tool-plan-delta',
]);

function isFirst({ type, delta }: JsonObject): boolean {
  return FIRST.has(type) && isObject(delta) && isObject(delta.message);
}

function readAnswer(body: JsonObject): ResponseParts {
  const message = isObject(body.message) ? body.message : {};
  const { content, tool_plan: plan } = message;
  return {
    output: contentText(content, ''),
    usage: readUsage(body.usage),
    // The plan says why it calls these tools, and is no answer.
    reasoning: thinkingOf(content) || asString(plan) || undefined,
    toolCalls: toolCallsOf(message.tool_calls),
    finishReason: asString(body.finish_reason),
  };
}

function thinkingOf(content: unknown): string {
  if (!Array.isArray(content)) return '';
  return content.map((part) => (isObject(part) ? (asString(part.thinking) ?? '') : '')).join('');
}

/** `tokens` are those that were processed; `billed_units` leave out what Cohere adds itself. */
export function readUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const tokens = [usage.tokens, usage.billed_units].find(isObject) ?? {};
  return usageOf({
    prompt_tokens: tokens.input_tokens,
    completion_tokens: tokens.output_tokens,
    cache_read_tokens: usage.cached_tokens,
  });
}

/** Events with a `delta` in the shape of the message that they add to. */
class CohereReader implements StreamReader {
  #id: unknown;
  #end: JsonObject = {};
  #error: string | undefined;
  readonly #plan = new Pieces();
  readonly #parts = new Slots<{ type: 'text' | 'thinking'; pieces: Pieces }>();
  readonly #tools = new ToolCallParts();

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    if (!isObject(event.json) || !isObject(event.json.delta)) return;
    const { type, id, index, delta } = event.json;
    this.#id ??= id;
    if (type === 'message-end') {
      this.#end = delta;
      this.#error = asString(delta.error) || this.#error;
    }
    if (!isObject(delta.message)) return;
    const { content, tool_plan: plan, tool_calls: call } = delta.message;
    if (typeof plan === 'string') this.#plan.push(plan);
    if (isObject(call)) this.#tools.push({ ...call, index });
    if (isObject(content)) this.#pushContent(index, content);
  }

  end(): StreamedParts {
    const content = this.#parts.all.map(({ type, pieces }) => ({
      type,
      [type]: pieces.toString(),
    }));
    const plan = this.#plan.toString();
    const calls = this.#tools.finish();
    const raw: JsonObject = {
      id: this.#id,
      message: {
        role: 'assistant',
        ...(content.length > 0 ? { content } : {}),
        ...(plan === '' ? {} : { tool_plan: plan }),
        ...(calls ? { tool_calls: calls } : {}),
      },
      ...this.#end,
    };
    return { ...readAnswer(raw), error: this.#error, raw };
  }

  #pushContent(index: unknown, { text, thinking }: JsonObject): void {
    const piece = asString(thinking) ?? asString(text);
    if (piece === undefined) return;
    const type = typeof thinking === 'string' ? 'thinking' : 'text';
    this.#parts.open(index, () => ({ type, pieces: new Pieces() }))?.pieces.push(piece);
  }
}
