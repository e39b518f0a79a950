import type { JsonObject } from '../../types.ts';
import { readEventStream, type StreamEvent } from '../sse.ts';
import type { Format, RequestParts, ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { GenericReader } from './generic.ts';
import { openaiChat } from './openai-chat.ts';
import { answerText, anyText, asString, isObject } from './text.ts';

/** The known formats; the first that recognises a body has it. */
export const FORMATS: readonly Format[] = [openaiChat];

/** An exact LLM request: a provider's shape, or a chat body. */
export function readRequest(body: unknown): RequestParts | undefined {
  return isObject(body) ? firstOf((format) => format.request?.(body)) : undefined;
}

/** An exact LLM answer. */
export function readResponse(body: unknown): ResponseParts | undefined {
  return isObject(body) ? firstOf((format) => format.response?.(body)) : undefined;
}

/** An answer by its shape: exact, or by its keys; undefined if neither tells. */
export function readAnyResponse(body: unknown): ResponseParts | undefined {
  const exact = readResponse(body);
  if (exact) return exact;
  const output = answerText(body);
  const error = isObject(body) ? errorText(body) : undefined;
  if (output === undefined && error === undefined) return undefined;
  return {
    output: output ?? '',
    model: isObject(body) ? asString(body.model) : undefined,
    error,
  };
}

/** A streamed answer: exact by its first event with data, else by its keys. */
export function readStream(text: string): StreamedParts {
  let reader: StreamReader | undefined;
  readEventStream(text, (event) => {
    reader ??= readerFor(event);
    reader.push(event);
  });
  return reader?.end() ?? { output: '' };
}

/** A list of stream items in memory, as a wrapped generator yields them. */
export function readItems(items: readonly unknown[]): StreamedParts {
  let reader: StreamReader | undefined;
  for (const item of items) {
    const data = typeof item === 'string' ? item : anyText(item);
    const event: StreamEvent = {
      event: undefined,
      data,
      json: typeof item === 'string' ? undefined : item,
    };
    reader ??= readerFor(event);
    reader.push(event);
  }
  return reader?.end() ?? { output: '' };
}

function readerFor(first: StreamEvent): StreamReader {
  return firstOf((format) => format.stream?.(first)) ?? new GenericReader();
}

function firstOf<T>(read: (format: Format) => T | undefined): T | undefined {
  for (const format of FORMATS) {
    const parts = read(format);
    if (parts !== undefined) return parts;
  }
  return undefined;
}

/** `{ error: "…" }`, `{ error: { message } }`, `{ detail: "…" }`. */
function errorText(body: JsonObject): string | undefined {
  const { error, detail } = body;
  if (typeof error === 'string') return error;
  if (isObject(error)) return asString(error.message) ?? anyText(error);
  return asString(detail);
}
