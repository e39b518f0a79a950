import { StoredEvent } from './stored-event.ts';
import { TextStore } from './text-store.ts';
import type { EndingEvent, WaitingEvent } from './waiting.ts';

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
 * go first and are never merged: a halved batch must stay halved. Whoever is given an event sees to its release.
 */
export class EventQueue {
  readonly #limits: QueueLimits;
  readonly #batch: BatchLimits;
  /** Bytes of a batch at most, as far as the server has told. */
  batchBytes: number;
  /** A ring would save the shifting; a head index does, at the price of a splice now and then. */
  #fresh: (StoredEvent | undefined)[] = [];
  readonly #texts = new TextStore();
  #head = 0;
  #returned: WaitingEvent[][] = [];
  #count = 0;
  #bytes = 0;
  #freshBytes = 0;

  constructor(limits: QueueLimits, batch: BatchLimits) {
    this.#limits = limits;
    this.#batch = batch;
    this.batchBytes = batch.maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds an event; returns the oldest ones, which had to make room for it. */
  push(event: WaitingEvent): EndingEvent[] {
    this.restore(event);
    return this.trim();
  }

  /** Removes and returns the oldest events until the others fit. */
  trim(): EndingEvent[] {
    const evicted: EndingEvent[] = [];
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

  /** Whether one more of so many bytes fits. */
  hasRoom(bytes: number): boolean {
    const { maxEvents, maxBytes } = this.#limits;
    return this.#count === 0 || (this.#count < maxEvents && this.#bytes + bytes <= maxBytes);
  }

  /** Adds an event whatever the limits: whoever reads it back from disk has looked at the room before. */
  restore(event: WaitingEvent): void {
    this.#fresh.push(new StoredEvent(event, this.#texts));
    this.#add(event, 1);
    this.#freshBytes += event.bytes;
  }

  /** Takes out those of which `isMeant` is true. */
  remove(isMeant: (event: EndingEvent) => boolean): EndingEvent[] {
    const removed: EndingEvent[] = [];
    const keep = (event: EndingEvent): boolean => {
      if (!isMeant(event)) return true;
      this.#add(event, -1);
      removed.push(event);
      return false;
    };
    this.#returned = this.#returned
      .map((batch) => batch.filter(keep))
      .filter((batch) => batch.length > 0);
    const fresh = this.#fresh.slice(this.#head).filter((event) => event !== undefined);
    this.#head = 0;
    this.#fresh = fresh.filter((event) => {
      if (keep(event)) return true;
      this.#freshBytes -= event.bytes;
      return false;
    });
    return removed;
  }

  /** Takes a failed batch back, to be sent first. Of two that were under way at once the later one may fail first. */
  giveBack(...batches: WaitingEvent[][]): void {
    for (const batch of batches) for (const event of batch) this.#add(event, 1);
    this.#returned = [...batches, ...this.#returned].sort(
      (one, other) => ageOf(one) - ageOf(other),
    );
  }

  /** Removes and returns what has been waiting for too long. */
  expire(now: number): EndingEvent[] {
    const expired: EndingEvent[] = [];
    for (const batch of this.#returned) {
      while (batch[0] !== undefined && batch[0].expiresAt < now) {
        expired.push(batch[0]);
        this.#add(batch[0], -1);
        batch.shift();
      }
    }
    this.#returned = this.#returned.filter((batch) => batch.length > 0);
    for (let oldest = this.#fresh[this.#head]; oldest; oldest = this.#fresh[this.#head]) {
      if (oldest.expiresAt >= now) break;
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
    if (this.#freshCount() >= this.#batch.maxEvents || this.#freshBytes >= this.batchBytes) {
      return 0;
    }
    return Math.max(0, oldest.settledAt + this.#batch.lingerMs - now);
  }

  /** The next batch: the oldest returned one, else as many fresh events as fit. Empty: nothing waits. */
  take(): WaitingEvent[] {
    const returned = this.#returned.shift();
    if (returned !== undefined) {
      for (const event of returned) this.#add(event, -1);
      return returned;
    }
    const batch: WaitingEvent[] = [];
    const ids = new Set<string>();
    let bytes = 0;
    for (let next = this.#fresh[this.#head]; next; next = this.#fresh[this.#head]) {
      const fits = batch.length < this.#batch.maxEvents && bytes + next.bytes <= this.batchBytes;
      // An id that is twice in one batch would be stored twice: the server only knows those of earlier ones.
      if (batch.length > 0 && (!fits || ids.has(next.taskId))) break;
      this.#shiftFresh();
      batch.push(next);
      ids.add(next.taskId);
      bytes += next.bytes;
    }
    return batch;
  }

  *taskIds(): Generator<string> {
    for (const event of [...this.#returned.flat(), ...this.#fresh]) if (event) yield event.taskId;
  }

  /** Empties the queue. */
  clear(): EndingEvent[] {
    const all: EndingEvent[] = [];
    for (let event = this.#shiftOldest(); event; event = this.#shiftOldest()) all.push(event);
    return all;
  }

  #add(event: EndingEvent, sign: 1 | -1): void {
    this.#count += sign;
    this.#bytes += sign * event.bytes;
  }

  #freshCount(): number {
    return this.#fresh.length - this.#head;
  }

  #shiftOldest(): EndingEvent | undefined {
    const batch = this.#returned[0];
    if (batch === undefined) return this.#shiftFresh();
    const event = batch.shift();
    if (event !== undefined) this.#add(event, -1);
    if (batch.length === 0) this.#returned.shift();
    return event;
  }

  #shiftFresh(): EndingEvent | undefined {
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

/** When the oldest event of a batch settled. */
function ageOf([oldest]: readonly WaitingEvent[]): number {
  return oldest?.settledAt ?? 0;
}
