import type { StreamEvent } from '../sse.ts';
import { BUILT_IN } from './built-in.ts';
import type { Format, StreamedParts, StreamReader } from './format.ts';
import { GenericReader } from './generic.ts';
import { isObject } from './text.ts';

/**
 * Reads by keys until an event is of a known format, which has the stream from there on: apps put events of
 * their own in front (an id, a ping, an error). Once there is text, the stream is the app's own.
 */
export class AnyReader implements StreamReader {
  readonly #formats: readonly Format[];
  readonly #generic = new GenericReader();
  #exact: StreamReader | undefined;
  /** The last event that is a whole answer: some send one as a stream of one event. */
  #whole: StreamedParts | undefined;

  constructor(formats: readonly Format[]) {
    this.#formats = formats;
  }

  get isExact(): boolean {
    return this.#exact !== undefined || this.#isWhole;
  }

  push(event: StreamEvent): void {
    if (this.#exact === undefined && this.#generic.isEmpty) {
      this.#exact = firstOf(this.#formats, (format) => format.stream?.(event));
      if (this.#exact === undefined && this.#takeWhole(event)) return;
    }
    (this.#exact ?? this.#generic).push(event);
  }

  end(): StreamedParts {
    const generic = this.#generic.end();
    const parts = this.#exact?.end() ?? (this.#isWhole ? this.#whole : undefined);
    return parts ? { ...parts, error: parts.error ?? generic.error } : generic;
  }

  get #isWhole(): boolean {
    return this.#whole !== undefined && this.#generic.isEmpty;
  }

  #takeWhole({ json }: StreamEvent): boolean {
    if (!isObject(json)) return false;
    // A format of the user's says itself what its streams are.
    const parts = firstOf(BUILT_IN, (format) => format.response?.(json));
    if (parts) this.#whole = { ...parts, raw: json };
    return parts !== undefined;
  }
}

/** The first answer that is none of "not mine". */
export function firstOf<T>(
  formats: readonly Format[],
  read: (format: Format) => T | undefined,
): T | undefined {
  for (const format of formats) {
    const parts = read(format);
    if (parts !== undefined) return parts;
  }
  return undefined;
}
