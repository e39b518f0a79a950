const DAY_SECONDS = 86_400;
/** How long the stored number is believed while the limit is far. */
const FRESH_MS = 1000;
/** Of the limit. */
const FAR = 0.9;

interface Count {
  day: number;
  stored: number;
  readAt: number;
  /** Let through since it was read, and over; some of it may have been known already. */
  since: number;
  /** Let through and not over yet. */
  underWay: number;
  /** Reads it anew. */
  reading: Promise<void> | undefined;
}

/** Room for events of a day; one of the two is to be called, once. */
export interface Taken {
  /** They are stored, or may be. */
  over(): void;
  /** They have not even been tried. */
  giveBack(): void;
}

/**
 * How many events each project has stored on this day of UTC. The database counts them, for all collectors; here
 * the number is kept for a second, unless the limit is near.
 */
export class DayCounts {
  readonly #read: (projectId: string, day: number) => Promise<number>;
  readonly #counts = new Map<string, Count>();

  /** @param read - from the database; `day` is its first second */
  constructor(read: (projectId: string, day: number) => Promise<number>) {
    this.#read = read;
  }

  /**
   * @returns undefined where they do not fit
   */
  async take(projectId: string, events: number, limit: number): Promise<Taken | undefined> {
    const count = this.#countOf(projectId);
    const used = () => count.stored + count.since + count.underWay + events;
    if (performance.now() - count.readAt > FRESH_MS || used() > limit * FAR)
      await this.#refresh(projectId, count);
    if (used() > limit) return undefined;
    count.underWay += events;
    return {
      over: () => {
        count.underWay -= events;
        count.since += events;
      },
      giveBack: () => {
        count.underWay -= events;
      },
    };
  }

  #countOf(projectId: string): Count {
    const day = dayOf(Date.now());
    const known = this.#counts.get(projectId);
    if (known?.day === day) return known;
    const count: Count = {
      ...{ day, stored: 0, readAt: Number.NEGATIVE_INFINITY, since: 0, underWay: 0 },
      reading: undefined,
    };
    this.#counts.set(projectId, count);
    return count;
  }

  /** One at a time: of two, the one that began earlier might end later, and tell of less. */
  #refresh(projectId: string, count: Count): Promise<void> {
    count.reading ??= this.#readAnew(projectId, count).finally(() => {
      count.reading = undefined;
    });
    return count.reading;
  }

  async #readAnew(projectId: string, count: Count): Promise<void> {
    const { since } = count;
    count.stored = await this.#read(projectId, count.day);
    // What was over before is in the number now; what ended meanwhile may be, and is counted twice for a second.
    count.since -= since;
    count.readAt = performance.now();
  }
}

/** The first second of the day of UTC. */
export function dayOf(ms: number): number {
  return Math.floor(ms / 1000 / DAY_SECONDS) * DAY_SECONDS;
}

export function msUntilTomorrow(): number {
  const now = Date.now();
  return (dayOf(now) + DAY_SECONDS) * 1000 - now;
}
