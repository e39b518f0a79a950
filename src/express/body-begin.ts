import { SNIFFED_CHARACTERS } from '../capture/extract/sniff.ts';

/** Characters that are passed over; a stream of nothing but comments is no answer. */
const MAX_PASSED = 8_192;

/** What keeps a connection open while a model thinks: comments of an event stream, white space before JSON. */
const IDLE = /^(?::[^\n]*\n|\s)+/;

/** The first characters of a body that say something. */
export class BodyBegin {
  #text = '';
  #passed = 0;

  get text(): string {
    return this.#text;
  }

  /** Nothing that comes later counts. */
  get isFull(): boolean {
    return this.#text.length >= SNIFFED_CHARACTERS;
  }

  push(chunk: string | Uint8Array): void {
    if (this.isFull) return;
    const isIdle = this.#passed < MAX_PASSED && /^[:\s]/.test(this.#text || startOf(chunk, 1));
    const begun = this.#text + startOf(chunk, isIdle ? MAX_PASSED : SNIFFED_CHARACTERS);
    const rest = isIdle ? begun.replace(IDLE, '') : begun;
    this.#passed += begun.length - rest.length;
    this.#text = rest.slice(0, SNIFFED_CHARACTERS);
  }
}

function startOf(chunk: string | Uint8Array, bytes: number): string {
  if (typeof chunk === 'string') return chunk.slice(0, bytes);
  const length = Math.min(chunk.byteLength, bytes);
  return Buffer.from(chunk.buffer, chunk.byteOffset, length).toString('latin1');
}
