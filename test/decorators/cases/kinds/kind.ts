/** What a source says, piece by piece. */
export const PIECES = ['One ', 'two ', 'three'] as const;

/** What happened to a source, in order: each pull, each cancellation with its reason. */
export class Trace {
  readonly log: string[] = [];
  /** Thrown in place of the second piece. */
  readonly failure: Error | undefined;
  #given = 0;

  constructor(failure?: Error) {
    this.failure = failure;
  }

  /** The next piece; undefined at the end. */
  pull(): string | undefined {
    this.log.push(`pull ${this.#given}`);
    if (this.failure && this.#given === 1) throw this.failure;
    return PIECES[this.#given++];
  }

  left(reason: unknown): void {
    this.log.push(`left: ${String(reason)}`);
  }
}

/** How a reading ends in the record, and what of the pieces it has; undefined: it is open still. */
export type Recorded = { outcome: 'complete' | 'aborted' | 'error'; output: string } | undefined;

export const all: Recorded = { outcome: 'complete', output: 'One two three' };
export const left: Recorded = { outcome: 'aborted', output: 'One ' };
export const unread: Recorded = { outcome: 'aborted', output: '' };
export const failed: Recorded = { outcome: 'error', output: 'One ' };

/** A way to read; what it answers is compared with the undecorated twin's. */
export interface Way<T> {
  read(made: T, trace: Trace): unknown;
  recorded: Recorded;
  /** Its source fails with the second piece. */
  fails?: boolean;
}

export interface Kind<T> {
  make(trace: Trace): T;
  ways: { [how: string]: Way<T> };
  /** False: a native promise is answered by another one. */
  isKept?: boolean;
}

/** Lets everything happen that is under way in this process. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export async function collect(iterable: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of iterable) items.push(text(item));
  return items;
}

export function text(item: unknown): unknown {
  return item instanceof Uint8Array ? Buffer.from(item).toString() : item;
}
