/** Those of one address. */
interface Tries {
  /** Whose outcome is not known yet. */
  open: number;
  waiting: (() => void)[];
  /** All of them, those that are just looking whether they may begin too. */
  count: number;
}

/**
 * Lets no more tries of an address run at a time than may still fail, and the others wait for their outcome: else all
 * that come at once would pass the limit together.
 */
export class OpenTries {
  readonly #byAddress = new Map<string, Tries>();

  /**
   * Waits for a turn.
   *
   * @param left - how many may still fail; it throws where none may
   * @returns to be called when the outcome has been counted
   */
  async begin(address: string, left: () => Promise<number>): Promise<() => void> {
    const tries = this.#byAddress.get(address) ?? { open: 0, waiting: [], count: 0 };
    this.#byAddress.set(address, tries);
    tries.count++;
    try {
      while (tries.open >= (await left()))
        await new Promise<void>((resolve) => tries.waiting.push(resolve));
    } catch (error) {
      this.#leave(address, tries);
      throw error;
    }
    tries.open++;
    // Whoever has read what was left before this one was counted sees its place taken yet.
    return () =>
      setImmediate(() => {
        tries.open--;
        this.#leave(address, tries);
      });
  }

  #leave(address: string, tries: Tries): void {
    tries.count--;
    if (tries.count === 0) this.#byAddress.delete(address);
    tries.waiting.shift()?.();
  }
}
