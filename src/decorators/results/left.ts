import type { CallResult } from '../../capture/extracted.ts';
import type { OpenCall } from '../call.ts';
import type { LostEnd } from './lost.ts';

/** Streams and promises watched at once; one more is not recorded if it is left unread. */
const MAX_WATCHED = 10_000;

let watched = 0;

const registry = new FinalizationRegistry<Left>((left) => {
  watched -= 1;
  left.end();
});

/**
 * What is left of calls whose stream, generator or promise became garbage before its end: each then ends as aborted,
 * with what was read. The registry holds it, so it must not reach what is watched: it has no OpenCall.
 */
export class Left {
  /** Of the reading; bytes are PassedBytes. */
  readonly items: unknown[] = [];
  readonly #ends: LostEnd[] = [];
  #at = performance.now();
  #isWatching = false;

  /** Ends with the object's life, unless it is let go before. */
  watch(object: object): void {
    if (watched >= MAX_WATCHED) return;
    watched += 1;
    this.#isWatching = true;
    registry.register(object, this, this);
  }

  add(call: OpenCall): void {
    if (this.#isWatching) this.#ends.push(call.lost());
  }

  /** Something was heard of it. */
  touch(): void {
    if (this.#isWatching) this.#at = performance.now();
  }

  letGo(): void {
    if (!this.#isWatching) return;
    this.#isWatching = false;
    watched -= 1;
    registry.unregister(this);
    this.#ends.length = 0;
  }

  end(): void {
    this.#isWatching = false;
    const result: CallResult = this.items.length > 0 ? { items: this.items } : {};
    for (const end of this.#ends.splice(0)) {
      try {
        end(result, this.#at);
      } catch {
        // A recorder that has shut down meanwhile takes no more.
      }
    }
  }
}
