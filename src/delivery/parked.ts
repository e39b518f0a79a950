import type { QueuedEvent } from './exporter.ts';

/** As many as an app with a million tasks a day leaves out in some minutes. */
const MAX_EVENTS = 2_000;
/** Bytes of JSON. */
const MAX_BYTES = 8 * 1024 * 1024;

/** Events that sampling has left out, in case somebody flags them; the oldest ones make room for new ones. */
export class Parked {
  readonly #events = new Map<string, QueuedEvent>();
  #bytes = 0;

  /** One whose id is not in here. Returns the ids of those that had to make room, which may include the new one. */
  add(event: QueuedEvent): string[] {
    this.#events.set(event.taskId, event);
    this.#bytes += event.bytes;
    const evicted: string[] = [];
    for (const taskId of this.#events.keys()) {
      if (this.#events.size <= MAX_EVENTS && this.#bytes <= MAX_BYTES) break;
      this.take(taskId);
      evicted.push(taskId);
    }
    return evicted;
  }

  has(taskId: string): boolean {
    return this.#events.has(taskId);
  }

  take(taskId: string): QueuedEvent | undefined {
    const event = this.#events.get(taskId);
    if (event === undefined) return undefined;
    this.#events.delete(taskId);
    this.#bytes -= event.bytes;
    return event;
  }

  /** Empties it; returns the ids. */
  clear(): string[] {
    const taskIds = [...this.#events.keys()];
    this.#events.clear();
    this.#bytes = 0;
    return taskIds;
  }
}
