/** Parts of one answer (choices, tool calls, blocks) that are kept; a stream may number millions. */
const MAX_SLOTS = 1_000;

/** Parts of a streamed answer under the index or id that its events give; bounded. */
export class Slots<T> {
  /** In order of appearance. */
  readonly all: T[] = [];
  readonly #at = new Map<unknown, T>();

  get(key: unknown): T | undefined {
    return this.#at.get(key);
  }

  /** The part of this key, new if need be; undefined where there are too many. */
  open(key: unknown, make: () => T): T | undefined {
    return this.#at.get(key) ?? this.add(key, make());
  }

  /** A new part, whichever had the key before. */
  add(key: unknown, part: T): T | undefined {
    if (this.all.length >= MAX_SLOTS) return undefined;
    this.all.push(part);
    this.#at.set(key, part);
    return part;
  }

  /** The same part under further keys; only for one that was just added, so that the keys are bounded too. */
  alias(keys: readonly unknown[], part: T): void {
    for (const key of keys) this.#at.set(key, part);
  }

  /** A second answer begins in the same stream: its indexes mean parts of its own. */
  restart(): void {
    this.#at.clear();
  }
}
