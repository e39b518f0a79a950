/** How often listeners are told at most, in milliseconds: reading a page anew costs more than a second's news. */
const INTERVAL_MS = 1000;

/** Tells listeners that something of a project was stored: at once, then at most once an interval. */
export class Changes {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #resting = new Map<string, { timer: NodeJS.Timeout; isDirty: boolean }>();
  #count = 0;

  /** How many listen. */
  get size(): number {
    return this.#count;
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
    const listeners = this.#listeners.get(projectId);
    if (listeners === undefined) return;
    const resting = this.#resting.get(projectId);
    if (resting !== undefined) {
      resting.isDirty = true;
      return;
    }
    for (const listener of listeners) listener();
    const timer = setTimeout(() => {
      const isDirty = this.#resting.get(projectId)?.isDirty;
      this.#resting.delete(projectId);
      if (isDirty) this.note(projectId);
    }, INTERVAL_MS);
    timer.unref();
    this.#resting.set(projectId, { timer, isDirty: false });
  }
}
