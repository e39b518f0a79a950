/**
 * Counts what is outstanding by epoch, so that a flush can wait for all that settled before it, and for
 * nothing that settles after it, however busy the app is.
 */
export class Epochs {
  #current = 0;
  readonly #outstanding = new Map<number, number>();
  #waiters: { epoch: number; resolve: () => void }[] = [];

  get current(): number {
    return this.#current;
  }

  /** @param epoch the current one, or one in which something else is still outstanding */
  enter(epoch: number = this.#current, count = 1): number {
    if (count > 0) this.#outstanding.set(epoch, (this.#outstanding.get(epoch) ?? 0) + count);
    return epoch;
  }

  leave(epoch: number, count = 1): void {
    const left = (this.#outstanding.get(epoch) ?? 0) - count;
    if (left > 0) {
      this.#outstanding.set(epoch, left);
      return;
    }
    this.#outstanding.delete(epoch);
    this.#wake();
  }

  get isEmpty(): boolean {
    return this.#outstanding.size === 0;
  }

  /** Resolves once everything that entered before this call has left. */
  settled(): Promise<void> {
    const epoch = this.#current;
    this.#current += 1;
    if (this.#isDone(epoch)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ epoch, resolve });
    });
  }

  #isDone(epoch: number): boolean {
    // Keys are in ascending order: epochs are entered in turn, and an emptied one never comes back.
    const [oldest] = this.#outstanding.keys();
    return oldest === undefined || oldest > epoch;
  }

  #wake(): void {
    this.#waiters = this.#waiters.filter(({ epoch, resolve }) => {
      if (!this.#isDone(epoch)) return true;
      resolve();
      return false;
    });
  }
}
