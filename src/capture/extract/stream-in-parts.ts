import { ByteBlocks } from '../byte-blocks.ts';
import type { StreamEvent } from '../sse.ts';
import type { AnyReader } from './any-reader.ts';
import type { StreamedParts } from './format.ts';
import { readPart } from './pieces.ts';

/** Cuts a text of whole events into them. */
type ReadEvents = (text: string, onEvent: (event: StreamEvent) => void) => void;

/** What an event costs beside its text, about. */
const EVENT_OVERHEAD = 4;

/** A stream that is read while it goes on, so that what it repeats in each event need not be kept. */
export class StreamInParts {
  readonly #reader: AnyReader;
  readonly #readEvents: ReadEvents;
  readonly #boundaries: readonly string[];
  /** Of an event that is not whole yet. */
  readonly #rest = new ByteBlocks();
  #restBytes = 0;
  #read = 0;
  /** The shortest event so far: what each of them says again. */
  #least = Number.POSITIVE_INFINITY;

  /** @param boundaries what may stand between two events */
  constructor(reader: AnyReader, readEvents: ReadEvents, boundaries: readonly string[]) {
    this.#reader = reader;
    this.#readEvents = readEvents;
    this.#boundaries = boundaries;
  }

  /** Bytes that it keeps, about. */
  get kept(): number {
    return this.#read + this.#restBytes;
  }

  push(text: string): void {
    const end = Math.max(...this.#boundaries.map((each) => endOfLast(text, each)));
    if (end <= 0) {
      this.#keep(text);
      return;
    }
    const whole = this.#takeRest() + text.slice(0, end);
    this.#keep(text.slice(end));
    this.#take(whole);
  }

  end(): StreamedParts & { isExact: boolean } {
    this.#take(this.#takeRest());
    return { ...this.#reader.end(), isExact: this.#reader.isExact };
  }

  #keep(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.#rest.append(text, bytes);
    this.#restBytes += bytes;
  }

  #takeRest(): string {
    this.#restBytes = 0;
    return this.#rest.takeText();
  }

  #take(text: string): void {
    readPart(() => this.#readEvents(text, (event) => this.#takeEvent(event)));
  }

  #takeEvent(event: StreamEvent): void {
    const { length } = event.data;
    if (length > 0) this.#least = Math.min(this.#least, length);
    this.#read += Math.max(0, length - this.#least) + EVENT_OVERHEAD;
    const isText = event.json === undefined;
    this.#reader.push(isText ? { ...event, data: ownCopy(event.data) } : event);
  }
}

function endOfLast(text: string, boundary: string): number {
  const at = text.lastIndexOf(boundary);
  return at < 0 ? 0 : at + boundary.length;
}

function ownCopy(text: string): string {
  return Buffer.from(text).toString();
}
