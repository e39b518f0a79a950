import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { readUsage } from './cohere.ts';
import { streamError } from './errors.ts';
import type { Format, RequestParts, ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { Pieces } from './pieces.ts';
import { questionOf, systemOf } from './question.ts';
import { anyText, asString, isObject } from './text.ts';

/**
 * Cohere's chat, version 1: one message and a history, lines of JSON as a stream.
 * Source: https://docs.cohere.com/v1/reference/chat
 */
export const cohereV1: Format = {
  name: 'cohere-v1',
  isRequest,
  request: (body) => (isRequest(body) ? readRequest(body) : undefined),
  response: (body) => (isAnswer(body) ? readAnswer(body) : undefined),
  stream: ({ json }) =>
    isObject(json) && typeof json.event_type === 'string' && typeof json.is_finished === 'boolean'
      ? new LineReader()
      : undefined,
};

function isRequest({ message, chat_history: history, preamble }: JsonObject): boolean {
  const isHistory =
    Array.isArray(history) &&
    history.every((turn) => isObject(turn) && typeof turn.role === 'string');
  return typeof message === 'string' && (isHistory || typeof preamble === 'string');
}

function readRequest(body: JsonObject): RequestParts {
  const history = (Array.isArray(body.chat_history) ? body.chat_history : []).filter(isObject);
  const turns = history.map(({ role, message }) => ({
    role: asString(role) ?? '',
    content: message,
  }));
  return {
    input: questionOf([...turns, { role: 'user', content: body.message }]),
    systemPrompt: asString(body.preamble) || systemOf(turns) || undefined,
    model: asString(body.model),
  };
}

function isAnswer(body: JsonObject): boolean {
  return typeof body.text === 'string' && typeof body.generation_id === 'string';
}

function readAnswer(body: JsonObject): ResponseParts {
  const calls = (Array.isArray(body.tool_calls) ? body.tool_calls : []).filter(isObject);
  return {
    output: asString(body.text) ?? '',
    usage: readUsage(body.meta),
    toolCalls:
      calls.length > 0
        ? calls.map(({ name, parameters }) => ({ name: anyText(name), arguments: parameters }))
        : undefined,
    finishReason: asString(body.finish_reason),
  };
}

class LineReader implements StreamReader {
  readonly #texts = new Pieces();
  readonly #final: JsonObject = {};
  #error: string | undefined;

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    if (!isObject(event.json)) return;
    const { event_type: type, text, response, finish_reason: finish } = event.json;
    if (type === 'text-generation' && typeof text === 'string') this.#texts.push(text);
    if (type === 'tool-calls-generation') this.#final.tool_calls = event.json.tool_calls;
    if (type !== 'stream-end') return;
    Object.assign(this.#final, isObject(response) ? response : {}, { finish_reason: finish });
  }

  end(): StreamedParts {
    const text = this.#texts.toString();
    const raw: JsonObject = { ...this.#final, text: text || (asString(this.#final.text) ?? '') };
    return { ...readAnswer(raw), error: this.#error, raw };
  }
}
