import { BLOCK_BYTES, giveBlock, takeBlock } from '../internal/blocks.ts';

/** A longer text has little to gain. */
const MAX_PACKED_BYTES = 65_536;

/** A block that several texts may share. */
interface Shared {
  readonly bytes: Buffer;
  used: number;
  /** Texts in it that are still wanted. */
  live: number;
}

/** Where a text is: it begins in the first block, and goes on at the beginning of each other. A long one is itself. */
export type StoredText =
  | string
  | { readonly blocks: readonly Shared[]; readonly start: number; readonly bytes: number };

/** For texts that are not within one block. Used within one call only. */
let scratch: Buffer | undefined;

/**
 * Texts that wait, outside of V8's heap. There, what waits for longer than the collector of young garbage takes to
 * come round twice stays until the next full collection: a queue whose oldest entries make room for new ones would
 * hold its size several times over. They stand one behind the other; a block is used again when its last text has
 * gone.
 */
export class TextStore {
  #current: Shared | undefined;

  /** @param bytes its length in UTF-8 */
  put(text: string, bytes: number): StoredText {
    if (bytes > MAX_PACKED_BYTES) return text;
    const first = this.#open();
    const start = first.used;
    first.live += 1;
    if (bytes <= BLOCK_BYTES - start) {
      first.used += first.bytes.write(text, start, 'utf8');
      return { blocks: [first], start, bytes };
    }
    scratch ??= Buffer.allocUnsafeSlow(MAX_PACKED_BYTES);
    scratch.write(text, 0, 'utf8');
    const blocks = [first];
    for (let from = 0, block = first; ; ) {
      const copied = scratch.copy(block.bytes, block.used, from, bytes);
      block.used += copied;
      from += copied;
      if (from === bytes) return { blocks, start, bytes };
      block = this.#open();
      block.live += 1;
      blocks.push(block);
    }
  }

  get(stored: StoredText): string {
    if (typeof stored === 'string') return stored;
    const { blocks, start, bytes } = stored;
    const [first] = blocks;
    if (first && blocks.length === 1) return first.bytes.toString('utf8', start, start + bytes);
    scratch ??= Buffer.allocUnsafeSlow(MAX_PACKED_BYTES);
    return scratch.toString('utf8', 0, this.copy(stored, scratch, 0));
  }

  /** Its bytes, copied into a buffer that has room for them; where they end there. */
  copy(stored: StoredText, target: Buffer, at: number): number {
    if (typeof stored === 'string') return at + target.write(stored, at, 'utf8');
    const { blocks, start, bytes } = stored;
    const end = at + bytes;
    let next = at;
    let from = start;
    for (const block of blocks) {
      next += block.bytes.copy(target, next, from, Math.min(BLOCK_BYTES, from + end - next));
      from = 0;
    }
    return next;
  }

  /** To be called once: the same place will hold another text. */
  free(stored: StoredText): void {
    if (typeof stored === 'string') return;
    for (const block of stored.blocks) {
      block.live -= 1;
      if (block.live > 0) continue;
      block.used = 0;
      if (block !== this.#current) giveBlock(block.bytes);
    }
  }

  /** The block in which there is room. */
  #open(): Shared {
    if (this.#current === undefined || this.#current.used === BLOCK_BYTES) {
      this.#current = { bytes: takeBlock(), used: 0, live: 0 };
    }
    return this.#current;
  }
}
