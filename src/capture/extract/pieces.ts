import { ByteBlocks } from '../byte-blocks.ts';

/** So many are kept apart; then they become one text. */
const LOOSE = 64;
const LONE = /\p{Surrogate}/u;

/** The texts with loose pieces, while a part of a stream is read. */
let touched: Set<Pieces> | undefined;

/**
 * Reads a part of a stream that goes on; no piece stays loose afterwards. What lives on until the next part is
 * kept until the next full collection, whatever becomes of it.
 */
export function readPart(read: () => void): void {
  const all = new Set<Pieces>();
  touched = all;
  try {
    read();
  } finally {
    touched = undefined;
    for (const pieces of all) pieces.pack();
  }
}

/**
 * A text that arrives in pieces. A token takes several times its characters as a string of its own, so they are
 * joined from time to time; joined one by one they would be a chain of as many objects. Of a stream that is read
 * in parts, what is joined is kept outside of V8's heap.
 */
export class Pieces {
  #blocks: string[] = [];
  #loose: string[] = [];
  #packed: ByteBlocks | undefined;

  constructor(...first: string[]) {
    this.#loose = first;
    if (first.length > 0) touched?.add(this);
  }

  push(piece: string): void {
    touched?.add(this);
    if (this.#loose.push(piece) < LOOSE || touched) return;
    this.#blocks.push(this.#loose.join(''));
    this.#loose = [];
  }

  /** Half of a surrogate pair has no bytes: from the first one on, the text stays a list of strings. */
  pack(): void {
    const text = this.#loose.join('');
    this.#loose = [];
    if (this.#blocks.length > 0 || LONE.test(text)) this.#blocks.push(text);
    else {
      this.#packed ??= new ByteBlocks();
      this.#packed.append(text, Buffer.byteLength(text));
    }
  }

  /** Whether nothing has been added, not even an empty piece. */
  get isEmpty(): boolean {
    return this.#packed === undefined && this.#blocks.length + this.#loose.length === 0;
  }

  toString(): string {
    const packed = this.#packed?.takeText() ?? '';
    const text = packed + this.#blocks.join('') + this.#loose.join('');
    this.#blocks = [text];
    this.#loose = [];
    return text;
  }
}
