import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { streamError } from './errors.ts';
import type { Format, ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { isForMedia } from './media-options.ts';
import { toolCallsOf } from './openai-tools.ts';
import { Pieces } from './pieces.ts';
import { asNumber, asString, isObject } from './text.ts';
import { usageOf } from './usage.ts';

/**
 * Ollama's `/api/chat` and `/api/generate`, whose streams are lines of JSON.
 * Source: https://github.com/ollama/ollama/blob/main/docs/api.md
 */
export const ollama: Format = {
  name: 'ollama',
  isRequest,
  request: (body) =>
    isRequest(body)
      ? {
          input: asString(body.prompt) ?? '',
          systemPrompt: asString(body.system) || undefined,
          model: asString(body.model),
        }
      : undefined,
  response: (body) => (isAnswer(body) ? readAnswer(body) : undefined),
  stream: ({ json }) => (isObject(json) && isAnswer(json) ? new OllamaReader() : undefined),
};

/** Options that only Ollama has, with the types that it takes; chats are chat bodies. */
const OPTIONS: Record<string, (value: unknown) => boolean> = {
  options: isObject,
  keep_alive: (value) => typeof value === 'string' || typeof value === 'number',
  think: (value) => typeof value === 'boolean' || typeof value === 'string',
  template: (value) => typeof value === 'string',
  context: Array.isArray,
  raw: (value) => typeof value === 'boolean',
  format: (value) => value === 'json' || isObject(value),
};

function isRequest(body: JsonObject): boolean {
  const isAsked = typeof body.model === 'string' && typeof body.prompt === 'string';
  if (!isAsked || isForMedia(body)) return false;
  return Object.entries(OPTIONS).some(([name, isOf]) => isOf(body[name]));
}

function isAnswer({ model, created_at: created, done, message, response }: JsonObject): boolean {
  return (
    typeof model === 'string' &&
    typeof created === 'string' &&
    typeof done === 'boolean' &&
    (isObject(message) || typeof response === 'string')
  );
}

function readAnswer(body: JsonObject): ResponseParts {
  const { message, response, thinking } = body;
  const said = isObject(message) ? message : { content: response, thinking };
  return {
    output: asString(said.content) ?? '',
    model: asString(body.model),
    usage: usageOf({
      prompt_tokens: body.prompt_eval_count,
      completion_tokens: body.eval_count,
    }),
    reasoning: asString(said.thinking) || undefined,
    toolCalls: toolCallsOf(said.tool_calls),
    finishReason: asString(body.done_reason),
    metadata: {
      provider_total_ms: milliseconds(body.total_duration),
      provider_load_ms: milliseconds(body.load_duration),
    },
  };
}

function milliseconds(nanoseconds: unknown): number | undefined {
  const count = asNumber(nanoseconds);
  return count === undefined ? undefined : Math.round(count / 1e3) / 1e3;
}

/** Tool calls of one answer that are kept. */
const MAX_CALLS = 1_000;

/** Each line is an answer with the next piece of text; the last one has the counts. */
class OllamaReader implements StreamReader {
  #last: JsonObject = {};
  #error: string | undefined;
  #isChat = false;
  readonly #texts = new Pieces();
  readonly #thoughts = new Pieces();
  readonly #calls: unknown[] = [];

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    const { json } = event;
    if (!isObject(json) || !isAnswer(json)) return;
    this.#last = json;
    this.#isChat ||= isObject(json.message);
    const said = isObject(json.message) ? json.message : { content: json.response, ...json };
    if (typeof said.content === 'string') this.#texts.push(said.content);
    if (typeof said.thinking === 'string') this.#thoughts.push(said.thinking);
    if (!Array.isArray(said.tool_calls)) return;
    this.#calls.push(...said.tool_calls.slice(0, MAX_CALLS - this.#calls.length));
  }

  end(): StreamedParts {
    const { message: _message, response: _response, thinking: _thinking, ...envelope } = this.#last;
    const thinking = this.#thoughts.isEmpty ? {} : { thinking: this.#thoughts.toString() };
    const text = this.#texts.toString();
    const calls = this.#calls.length > 0 ? { tool_calls: this.#calls } : {};
    const said = this.#isChat
      ? { message: { role: 'assistant', content: text, ...thinking, ...calls } }
      : { response: text, ...thinking };
    const raw = { ...envelope, ...said };
    return { ...readAnswer(raw), error: this.#error, raw };
  }
}
