import { AtMost } from './at-most.ts';

/** How often listeners are told at most, in milliseconds: reading a page anew costs more than a second's news. */
const INTERVAL_MS = 1000;

/** Tells listeners that something of a project was stored: at once, then at most once an interval. */
export class Changes {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #pace = new AtMost(INTERVAL_MS, (projectId) => {
    for (const listener of this.#listeners.get(projectId) ?? []) listener();
  });
  #count = 0;

  /** How many listen. */
  get size(): number {
    return this.#count;
  }

  /** The projects that somebody listens to. */
  get projects(): Iterable<string> {
    return this.#listeners.keys();
  }

  /** @returns what ends it */
  listen(projectId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(projectId) ?? new Set();
    this.#listeners.set(projectId, listeners.add(listener));
    this.#count++;
    return () => {
      if (!listeners.delete(listener)) return;
      this.#count--;
      if (listeners.size === 0) this.#listeners.delete(projectId);
    };
  }

  /** Call it after the commit. */
  note(projectId: string): void {
    if (this.#listeners.has(projectId)) this.#pace.ask(projectId);
  }
}
