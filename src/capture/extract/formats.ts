import type { JsonObject } from '../../types.ts';
import { readArrayItems, readJsonLines } from '../json-values.ts';
import { readEventStream, type StreamEvent } from '../sse.ts';
import { readDataStream } from './ai-sdk-data.ts';
import { AnyReader, firstOf } from './any-reader.ts';
import { BUILT_IN } from './built-in.ts';
import { errorOf } from './errors.ts';
import type { Format, RequestAbout, RequestParts, StreamedParts } from './format.ts';
import { FormatFailed } from './guarded-format.ts';
import { readAnswerList } from './message-list.ts';
import { isTurnList, readMessageList } from './messages.ts';
import { StreamInParts } from './stream-in-parts.ts';
import { answerText, anyText, asString, isObject } from './text.ts';

/** Parts, and whether a format recognised them by their shape. */
export type Recognised<Parts> = Parts & { isExact: boolean };

type OnEvent = (event: StreamEvent) => void;

type Framing = 'events' | 'lines' | 'array' | 'data';

/** How a streamed body is cut into events. */
const FRAMINGS: Record<Framing, (text: string, onEvent: OnEvent) => void> = {
  events: readEventStream,
  lines: readJsonLines,
  array: readArrayItems,
  data: readDataStream,
};

/** A boundary that is cut is found with the next part. */
const BOUNDARIES = { events: ['\n\n', '\r\n\r\n', '\r\r'], lines: ['\n'] } as const;

/** Items of a list at its begin that may be an app's own, before those of a known format. */
const FOREIGN_ITEMS = 5;

const NOWHERE: RequestAbout = { path: '' };

/** The formats that count for one door: the user's own first, then the known ones. */
export class Formats {
  readonly #all: readonly Format[];
  readonly #hasOwn: boolean;

  /** Formats of the user's must be guarded. */
  constructor(own: readonly Format[] = []) {
    this.#hasOwn = own.length > 0;
    this.#all = own.length > 0 ? [...own, ...BUILT_IN] : BUILT_IN;
  }

  /** An exact LLM request: a provider's shape, or a chat. */
  request(body: unknown, about: RequestAbout = NOWHERE): RequestParts | undefined {
    if (isTurnList(body)) return readMessageList(body);
    return isObject(body)
      ? firstOf(this.#all, (format) => format.request?.(body, about))
      : undefined;
  }

  /** Whether `request` recognises it; cheap, whatever the body's size. */
  isRequest(body: unknown): boolean {
    if (isTurnList(body)) return true;
    return isObject(body) && this.#all.some((format) => format.isRequest?.(body));
  }

  /** An exact LLM answer; some stand for more than what is worth keeping of them, and have `raw`. */
  response(body: unknown): StreamedParts | undefined {
    if (Array.isArray(body)) return readAnswerList(body) ?? this.#list(body);
    return isObject(body) ? firstOf(this.#all, (format) => format.response?.(body)) : undefined;
  }

  /** An answer by its shape: exact, or by its keys; undefined if neither tells. */
  anyResponse(body: unknown): Recognised<StreamedParts> | undefined {
    const exact = this.response(body);
    if (exact) return { ...exact, isExact: true };
    const output = answerText(body);
    const error = errorIn(Array.isArray(body) ? body[0] : body, output);
    if (output === undefined && error === undefined) return undefined;
    return {
      output: output ?? '',
      model: isObject(body) ? asString(body.model) : undefined,
      error,
      isExact: false,
    };
  }

  /** A streamed answer: exact where its events are of a known format, else by its keys. */
  stream(text: string, framing: Framing = 'events'): Recognised<StreamedParts> {
    return this.#read((onEvent) => FRAMINGS[framing](text, onEvent));
  }

  /**
   * A stream to be read while it goes on. Undefined where formats of the user's count: when one fails, the
   * stream is read again from its beginning.
   */
  inParts(framing: 'events' | 'lines'): StreamInParts | undefined {
    if (this.#hasOwn) return undefined;
    return new StreamInParts(new AnyReader(this.#all), FRAMINGS[framing], BOUNDARIES[framing]);
  }

  /** A list of stream items in memory, as a wrapped generator yields them. */
  items(items: readonly unknown[]): Recognised<StreamedParts> {
    if (items.length === 0) return { output: '', isExact: false };
    return this.#read((onEvent) => {
      for (const item of items) onEvent(eventOf(item));
    });
  }

  /** A whole list whose items are those of a stream, as Gemini's is where it is asked for no events. */
  #list(items: readonly unknown[]): StreamedParts | undefined {
    const isKnown = items
      .slice(0, FOREIGN_ITEMS)
      .some((item) => firstOf(this.#all, (format) => format.stream?.(eventOf(item))));
    return isKnown ? this.items(items) : undefined;
  }

  /** A format that fails is out of it, and the stream read again. */
  #read(feed: (onEvent: OnEvent) => void): Recognised<StreamedParts> {
    let formats = this.#all;
    for (;;) {
      const reader = new AnyReader(formats);
      try {
        feed((event) => reader.push(event));
        return { ...reader.end(), isExact: reader.isExact };
      } catch (error) {
        if (!(error instanceof FormatFailed)) throw error;
        const failed = error.format;
        formats = formats.filter((format) => format !== failed);
      }
    }
  }
}

function eventOf(item: unknown): StreamEvent {
  const isText = typeof item === 'string';
  return { event: undefined, data: isText ? item : anyText(item), json: isText ? undefined : item };
}

/** `{ error: "…" }`, `{ error: { message } }`, or, beside no answer, `{ detail: "…" }`. */
function errorIn(body: unknown, output: string | undefined): string | undefined {
  if (!isObject(body)) return undefined;
  const { error, detail }: JsonObject = body;
  if (isObject(error) || typeof error === 'string') return errorOf(error);
  return output === undefined ? asString(detail) : undefined;
}
