/** Bytes of one slab: dozens of usual events. */
const SLAB_BYTES = 262_144;
/** A longer text has little to gain. */
const MAX_PACKED_BYTES = 65_536;
/** Slabs kept for later when they are empty; 2 MiB. */
const MAX_SPARE = 8;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  /** Texts in it that are still wanted. */
  live: number;
}

/** Where a text is. A long one is itself. */
export type StoredText =
  | string
  | { readonly slab: Slab; readonly start: number; readonly end: number };

/**
 * Texts that wait, outside of V8's heap. There, what waits for longer than the collector of young garbage takes to
 * come round twice stays until the next full collection: a queue whose oldest entries make room for new ones would
 * hold its size several times over. A slab is used again when its last text has gone.
 */
export class TextStore {
  #current: Slab | undefined;
  readonly #spare: Slab[] = [];

  /** @param bytes its length in UTF-8 */
  put(text: string, bytes: number): StoredText {
    if (bytes > MAX_PACKED_BYTES) return text;
    const slab = this.#slabFor(bytes);
    const start = slab.used;
    slab.used += slab.bytes.write(text, start, 'utf8');
    slab.live += 1;
    return { slab, start, end: slab.used };
  }

  get(stored: StoredText): string {
    if (typeof stored === 'string') return stored;
    return stored.slab.bytes.toString('utf8', stored.start, stored.end);
  }

  /** To be called once: the same place will hold another text. */
  free(stored: StoredText): void {
    if (typeof stored === 'string') return;
    const { slab } = stored;
    slab.live -= 1;
    if (slab.live > 0) return;
    slab.used = 0;
    if (slab !== this.#current && this.#spare.length < MAX_SPARE) this.#spare.push(slab);
  }

  #slabFor(bytes: number): Slab {
    const current = this.#current;
    if (current && current.used + bytes <= SLAB_BYTES) return current;
    // Not of the pool that small Buffers share: it is kept for long.
    this.#current = this.#spare.pop() ?? {
      bytes: Buffer.allocUnsafeSlow(SLAB_BYTES),
      used: 0,
      live: 0,
    };
    return this.#current;
  }
}
