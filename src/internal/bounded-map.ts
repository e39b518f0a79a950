/** A Map that forgets its oldest entry (by insertion) when it holds more than `limit`. */
export class BoundedMap<K, V> extends Map<K, V> {
  readonly #limit: number;
  /** Goes on where it was: one that begins anew has to pass by the places of all that are gone. */
  readonly #byAge = this.keys();

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  override set(key: K, value: V): this {
    super.set(key, value);
    if (this.size > this.#limit) {
      const oldest = this.#byAge.next();
      if (!oldest.done) this.delete(oldest.value);
    }
    return this;
  }
}
