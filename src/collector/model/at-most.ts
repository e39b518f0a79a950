/** Does something for a key at once, then at most once an interval however often it is asked to. */
export class AtMost {
  readonly #intervalMs: number;
  readonly #act: (key: string) => void;
  readonly #resting = new Map<string, { isDue: boolean }>();

  constructor(intervalMs: number, act: (key: string) => void) {
    this.#intervalMs = intervalMs;
    this.#act = act;
  }

  ask(key: string): void {
    const resting = this.#resting.get(key);
    if (resting !== undefined) {
      resting.isDue = true;
      return;
    }
    this.#act(key);
    const rest = { isDue: false };
    this.#resting.set(key, rest);
    setTimeout(() => {
      this.#resting.delete(key);
      if (rest.isDue) this.ask(key);
    }, this.#intervalMs).unref();
  }
}
