import type { SpoolRef } from './spool/spool.ts';
import type { StoredText, TextStore } from './text-store.ts';
import type { WaitingEvent } from './waiting.ts';

/**
 * An event whose JSON stays outside of V8's heap until its end. A string of it lives no longer than whoever asks
 * for `json` keeps it: were it made when its batch is taken, it would live until the server has answered, and be
 * kept until the next full collection.
 */
export class StoredEvent implements WaitingEvent {
  readonly taskId: string;
  readonly bytes: number;
  readonly settledAt: number;
  readonly epoch: number;
  readonly expiresAt: number;
  readonly ref: SpoolRef | undefined;
  readonly #texts: TextStore;
  #text: StoredText | undefined;

  constructor(event: WaitingEvent, texts: TextStore) {
    this.taskId = event.taskId;
    this.bytes = event.bytes;
    this.settledAt = event.settledAt;
    this.epoch = event.epoch;
    this.expiresAt = event.expiresAt;
    this.ref = event.ref;
    this.#texts = texts;
    this.#text = texts.put(event.json, event.bytes);
  }

  /** Made anew each time. @throws once the event has come to its end */
  get json(): string {
    if (this.#text === undefined) throw new Error(`the event ${this.taskId} has been released`);
    return this.#texts.get(this.#text);
  }

  /** The same as bytes, without a string between: into a body that has room for it; where it ends there. */
  copyTo(body: Buffer, at: number): number {
    if (this.#text === undefined) throw new Error(`the event ${this.taskId} has been released`);
    return this.#texts.copy(this.#text, body, at);
  }

  release(): void {
    if (this.#text === undefined) return;
    this.#texts.free(this.#text);
    this.#text = undefined;
  }
}
