import type { QueuedEvent } from './exporter.ts';

export interface QueueLimits {
  maxEvents: number;
  maxBytes: number;
}

export interface BatchLimits {
  maxEvents: number;
  maxBytes: number;
  /** How long the first event of a batch waits for others, milliseconds. */
  lingerMs: number;
}

/**
 * Waiting events, bounded by count and bytes, and the batches that came back from a failed request, which
 * go first and are never merged: a halved batch must stay halved.
 */
export class EventQueue {
  readonly #limits: QueueLimits;
  readonly #batch: BatchLimits;
  /** A ring would save the shifting; a head index does, at the price of a splice now and then. */
  #fresh: (QueuedEvent | undefined)[] = [];
  #head = 0;
  #returned: QueuedEvent[][] = [];
  #count = 0;
  #bytes = 0;
  #freshBytes = 0;

  constructor(limits: QueueLimits, batch: BatchLimits) {
    this.#limits = limits;
    this.#batch = batch;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an event; returns the oldest ones, which had to make room for it. */
  push(event: QueuedEvent): QueuedEvent[] {
    this.#fresh.push(event);
    this.#add(event, 1);
    this.#freshBytes += event.bytes;
    const evicted: QueuedEvent[] = [];
    // The newest event stays even if it alone is over the limit: it goes as a batch of its own.
    while (
      this.#count > 1 &&
      (this.#count > this.#limits.maxEvents || this.#bytes > this.#limits.maxBytes)
    ) {
      const oldest = this.#shiftOldest();
      if (oldest === undefined) break;
      evicted.push(oldest);
    }
    return evicted;
  }

  /** Takes a failed batch back, to be sent first. */
  giveBack(...batches: QueuedEvent[][]): void {
    for (const batch of batches) for (const event of batch) this.#add(event, 1);
    this.#returned.unshift(...batches);
  }

  /** Removes and returns what has been waiting since before `settledBefore` (monotonic milliseconds). */
  expire(settledBefore: number): QueuedEvent[] {
    const expired: QueuedEvent[] = [];
    for (const batch of this.#returned) {
      while (batch[0] !== undefined && batch[0].settledAt < settledBefore) {
        expired.push(batch[0]);
        this.#add(batch[0], -1);
        batch.shift();
      }
    }
    this.#returned = this.#returned.filter((batch) => batch.length > 0);
    for (let oldest = this.#fresh[this.#head]; oldest; oldest = this.#fresh[this.#head]) {
      if (oldest.settledAt >= settledBefore) break;
      this.#shiftFresh();
      expired.push(oldest);
    }
    return expired;
  }

  /** Milliseconds until a batch should go; 0: now; undefined: nothing waits. */
  dueInMs(now: number): number | undefined {
    if (this.#returned.length > 0) return 0;
    const oldest = this.#fresh[this.#head];
    if (oldest === undefined) return undefined;
    if (this.#freshCount() >= this.#batch.maxEvents || this.#freshBytes >= this.#batch.maxBytes) {
      return 0;
    }
    return Math.max(0, oldest.settledAt + this.#batch.lingerMs - now);
  }

  /** The next batch: the oldest returned one, else as many fresh events as fit. Empty: nothing waits. */
  take(): QueuedEvent[] {
    const returned = this.#returned.shift();
    if (returned !== undefined) {
      for (const event of returned) this.#add(event, -1);
      return returned;
    }
    const batch: QueuedEvent[] = [];
    const ids = new Set<string>();
    let bytes = 0;
    for (let next = this.#fresh[this.#head]; next; next = this.#fresh[this.#head]) {
      const fits =
        batch.length < this.#batch.maxEvents && bytes + next.bytes <= this.#batch.maxBytes;
      // An id that is twice in one batch would be stored twice: the server only knows those of earlier ones.
      if (batch.length > 0 && (!fits || ids.has(next.taskId))) break;
      this.#shiftFresh();
      batch.push(next);
      ids.add(next.taskId);
      bytes += next.bytes;
    }
    return batch;
  }

  /** Empties the queue. */
  clear(): QueuedEvent[] {
    const all: QueuedEvent[] = [];
    for (let event = this.#shiftOldest(); event; event = this.#shiftOldest()) all.push(event);
    return all;
  }

  #add(event: QueuedEvent, sign: 1 | -1): void {
    this.#count += sign;
    this.#bytes += sign * event.bytes;
  }

  #freshCount(): number {
    return this.#fresh.length - this.#head;
  }

  #shiftOldest(): QueuedEvent | undefined {
    const batch = this.#returned[0];
    if (batch === undefined) return this.#shiftFresh();
    const event = batch.shift();
    if (event !== undefined) this.#add(event, -1);
    if (batch.length === 0) this.#returned.shift();
    return event;
  }

  #shiftFresh(): QueuedEvent | undefined {
    const event = this.#fresh[this.#head];
    if (event === undefined) return undefined;
    this.#fresh[this.#head] = undefined;
    this.#head += 1;
    this.#add(event, -1);
    this.#freshBytes -= event.bytes;
    if (this.#head > 1024 && this.#head * 2 > this.#fresh.length) {
      this.#fresh = this.#fresh.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }
}
