import { BLOCK_BYTES, giveBlock, takeBlock } from '../internal/blocks.ts';

/**
 * Bytes that wait for a moment, outside of V8's heap. There, what waits for longer than the collector of young
 * garbage takes to come round twice stays until the next full collection: of hundreds of streams that go on at
 * once, that would be all that they send.
 */
export class ByteBlocks {
  /** All full but the last. The list itself stays: emptied time and again, each new one would outlive young garbage. */
  readonly #blocks: (Buffer | undefined)[] = [];
  #count = 0;
  /** Bytes in the last one. */
  #used = BLOCK_BYTES;

  /** @param bytes its length; a string's in UTF-8 */
  append(chunk: string | Uint8Array, bytes: number): void {
    if (bytes === 0) return;
    if (typeof chunk !== 'string') this.#copy(chunk);
    else if (bytes > BLOCK_BYTES - this.#used) this.#copy(Buffer.from(chunk));
    else {
      const last = this.#last();
      this.#used += last.write(chunk, this.#used);
    }
  }

  /** Empties it. What `onBytes` is given holds for that call only. */
  drain(onBytes: (bytes: Buffer) => void): void {
    const [count, used] = [this.#count, this.#used];
    this.#count = 0;
    this.#used = BLOCK_BYTES;
    for (let i = 0; i < count; i++) {
      const block = this.#blocks[i];
      this.#blocks[i] = undefined;
      if (block === undefined) continue;
      onBytes(i === count - 1 ? block.subarray(0, used) : block);
      giveBlock(block);
    }
  }

  /** Empties it; what was in it as text. */
  takeText(): string {
    if (this.#count <= 1) {
      let text = '';
      this.drain((bytes) => {
        text = bytes.toString();
      });
      return text;
    }
    const copies: Buffer[] = [];
    this.drain((bytes) => copies.push(Buffer.from(bytes)));
    return Buffer.concat(copies).toString();
  }

  #copy(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.byteLength; ) {
      const block = this.#last();
      const part = bytes.subarray(from, from + BLOCK_BYTES - this.#used);
      block.set(part, this.#used);
      this.#used += part.byteLength;
      from += part.byteLength;
    }
  }

  #last(): Buffer {
    const last = this.#blocks[this.#count - 1];
    if (last !== undefined && this.#used < BLOCK_BYTES) return last;
    const next = takeBlock();
    this.#blocks[this.#count] = next;
    this.#count += 1;
    this.#used = 0;
    return next;
  }
}
