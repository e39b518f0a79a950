import { sharedSymbol } from '../internal/brand.ts';
import type { BodyKind } from './body-kind.ts';
import { ByteLog } from './byte-log.ts';
import type { Formats } from './extract/index.ts';
import { anyText } from './extract/text.ts';
import { type Answer, readAnswer, readerFor } from './read-answer.ts';

/** What is known of bytes beside them, as the head of a response tells it. */
export interface BytesAbout {
  kind: BodyKind;
  /** Of its text; undefined: UTF-8. */
  charset: string | undefined;
  status: number;
}

const UNKNOWN: BytesAbout = { kind: 'untyped', charset: undefined, status: 200 };

/** Known by it to the other copy of the package. */
const BRAND: symbol = sharedSymbol('passed-bytes');

/** Of a task that is dropped nobody reads the contents, and yet their memory must be given back. */
const dropped = new FinalizationRegistry<ByteLog>((log) => log.release());

/**
 * Bytes that pass by in a row: one item of a stream, since where they are cut says nothing. Copied as they pass, within
 * the bounds of a ByteLog; read once, off the path.
 */
export class PassedBytes {
  readonly #about: BytesAbout;
  /** Undefined: of what is no text only the length is kept. */
  readonly #log: ByteLog | undefined;
  #total = 0;
  #read: { parts: Answer } | { text: string } | undefined;

  constructor(formats: Formats, about: BytesAbout = UNKNOWN) {
    this.#about = about;
    if (about.kind === 'binary') return;
    const isPlain = about.charset === undefined;
    this.#log = new ByteLog(isPlain ? readerFor(formats, about.kind) : undefined);
    dropped.register(this, this.#log, this);
  }

  append(chunk: string | Uint8Array): void {
    this.#total += typeof chunk === 'string' ? chunk.length : chunk.byteLength;
    this.#log?.append(chunk);
  }

  /** What they say, as a response's body would be read. */
  answer(formats: Formats): Answer {
    this.#read ??= this.#take();
    if ('parts' in this.#read) return this.#withCut(this.#read.parts);
    const { text } = this.#read;
    if (this.#log === undefined || isBinary(text)) {
      const marker = this.toJSON();
      return { output: marker, raw: marker };
    }
    return this.#withCut(readAnswer(text, { formats, ...this.#about }));
  }

  /** The text of the answer in them, or all of their text. */
  text(formats: Formats): string {
    const { output, raw } = this.answer(formats);
    return output ?? anyText(raw);
  }

  /** What stands for them where they cannot be read. */
  toJSON(): string {
    return `[${this.#total} bytes]`;
  }

  /** Gives the memory back. */
  #take(): { parts: Answer } | { text: string } {
    if (this.#log === undefined) return { text: '' };
    try {
      const parts = this.#log.parts();
      if (parts) return { parts };
      const text = this.#log.text(undefined, this.#about.charset);
      return { text: typeof text === 'string' ? text : '' };
    } finally {
      this.#log.release();
      dropped.unregister(this);
    }
  }

  #withCut(answer: Answer): Answer {
    if (!this.#log?.isCut) return answer;
    return { ...answer, metadata: { ...answer.metadata, response_cut: true } };
  }
}

Object.defineProperty(PassedBytes.prototype, BRAND, { value: true });

export function isPassedBytes(item: unknown): item is PassedBytes {
  return typeof item === 'object' && item !== null && BRAND in item;
}

/** A stream's items as their reader would know them: bytes as their text. */
export function plainItems(items: readonly unknown[], formats: Formats): readonly unknown[] {
  if (!items.some(isPassedBytes)) return items;
  return items.map((item) => (isPassedBytes(item) ? item.text(formats) : item));
}

/** Characters within which media shows what it is. */
const BEGIN = 1_000;

/** A picture, sound, an archive: what is no text has bytes that no text has. The last character may be cut. */
function isBinary(text: string): boolean {
  const begin = text.slice(0, BEGIN);
  return /[\0\ufffd]/.test(begin.endsWith('\ufffd') ? begin.slice(0, -1) : begin);
}
