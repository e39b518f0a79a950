/** A text under replacement, from its beginning to its end. */
export class Replacement {
  readonly #text: string;
  #done = '';
  #from = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Where the part begins in which nothing has been replaced. */
  get from(): number {
    return this.#from;
  }

  put(start: number, end: number, marker: string): void {
    this.#done += this.#text.slice(this.#from, start) + marker;
    this.#from = end;
  }

  get text(): string {
    return this.#from === 0 ? this.#text : this.#done + this.#text.slice(this.#from);
  }
}
