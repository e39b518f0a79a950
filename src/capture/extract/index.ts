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

/** Whether `readRequest` recognises it; cheap, whatever the body's size. */
export function isRequest(body: unknown): boolean {
  return isObject(body) && FORMATS.some((format) => format.isRequest?.(body));
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
  const error = isObject(body) ? errorText(body, output) : undefined;
  if (output === undefined && error === undefined) return undefined;
  return {
    output: output ?? '',
    model: isObject(body) ? asString(body.model) : undefined,
    error,
  };
}

/** A streamed answer: exact where its events are of a known format, else by its keys. */
export function readStream(text: string): StreamedParts & { isExact: boolean } {
  const reader = new AnyReader();
  readEventStream(text, (event) => reader.push(event));
  return { ...reader.end(), isExact: reader.isExact };
}

/** A list of stream items in memory, as a wrapped generator yields them. */
export function readItems(items: readonly unknown[]): StreamedParts {
  const reader = new AnyReader();
  for (const item of items) {
    const data = typeof item === 'string' ? item : anyText(item);
    const event: StreamEvent = {
      event: undefined,
      data,
      json: typeof item === 'string' ? undefined : item,
    };
    reader.push(event);
  }
  return items.length > 0 ? reader.end() : { output: '' };
}

/**
 * Reads by keys until an event is of a known format, which has the stream from there on: apps put events of
 * their own in front (an id, a ping, an error). Once there is text, the stream is the app's own.
 */
class AnyReader implements StreamReader {
  readonly #generic = new GenericReader();
  #exact: StreamReader | undefined;

  get isExact(): boolean {
    return this.#exact !== undefined;
  }

  push(event: StreamEvent): void {
    if (this.#exact === undefined && this.#generic.isEmpty) {
      this.#exact = firstOf((format) => format.stream?.(event));
    }
    (this.#exact ?? this.#generic).push(event);
  }

  end(): StreamedParts {
    const generic = this.#generic.end();
    if (this.#exact === undefined) return generic;
    const parts = this.#exact.end();
    return { ...parts, error: parts.error ?? generic.error };
  }
}

function firstOf<T>(read: (format: Format) => T | undefined): T | undefined {
  for (const format of FORMATS) {
    const parts = read(format);
    if (parts !== undefined) return parts;
  }
  return undefined;
}

/** `{ error: "…" }`, `{ error: { message } }`, or, beside no answer, `{ detail: "…" }`. */
function errorText(body: JsonObject, output: string | undefined): string | undefined {
  const { error, detail } = body;
  if (typeof error === 'string' && error !== '') return error;
  if (isObject(error)) return asString(error.message) ?? anyText(error);
  return output === undefined ? asString(detail) : undefined;
}
