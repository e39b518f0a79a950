/** Of a stream that is read while it goes on, some dozens of events. */
export const BLOCK_BYTES = 4_096;
/** Blocks kept for later when they are empty: 1 MiB. */
const MAX_SPARE = 256;

const spare: Buffer[] = [];

/**
 * Bytes that wait for a moment, outside of V8's heap. There, what waits for longer than the collector of young
 * garbage takes to come round twice stays until the next full collection: of hundreds of streams that go on at
 * once, that would be all that they send.
 */
export class ByteBlocks {
  /** All full but the last. */
  #blocks: Buffer[] = [];
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
    const [blocks, used] = [this.#blocks, this.#used];
    this.#blocks = [];
    this.#used = BLOCK_BYTES;
    for (const [at, block] of blocks.entries()) {
      onBytes(at === blocks.length - 1 ? block.subarray(0, used) : block);
      if (spare.length < MAX_SPARE) spare.push(block);
    }
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
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#used < BLOCK_BYTES) return last;
    const next = spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.#blocks.push(next);
    this.#used = 0;
    return next;
  }
}
