import type { FeedbackFlag } from './types.ts';

/** Null where a refusal took it back. */
export type Flag = FeedbackFlag | undefined | null;

/**
 * What the user says of one task, as localStorage keeps it: short, as there may be 200 of them. The last two
 * are there while the server does not have it: the comment that goes along, and the flag it had before.
 */
export type Remembered = [
  task: string,
  flag: Flag,
  commented: boolean,
  unsent?: string | undefined,
  taken?: Flag,
];

const KEY = 'phospho-feedback';
const LIMIT = 200;

/** Called when this page, or another tab, has remembered something. */
export const watchers: Set<() => void> = new Set();
const tell = (): void => {
  for (const watcher of watchers) watcher();
};
// A server has no other tabs.
globalThis.addEventListener?.('storage', tell);

let text: string;
let list: Remembered[] = [];

/**
 * Storage may be blocked, full, or hold what somebody else wrote there: whatever it is, it throws here. Parsed
 * once a change: all elements of a page read at each.
 */
function read(): Remembered[] {
  try {
    const now: string = localStorage[KEY];
    if (now !== text) {
      list = (JSON.parse(now) as Remembered[]).filter(([, flag]) =>
        /^(success|failure|null)$/.test(flag as string),
      );
      text = now;
    }
    return list;
  } catch {
    return [];
  }
}

export function recall(task: string): Remembered | undefined {
  return read().find(([known]) => known && known === task);
}

/** The oldest is forgotten first. */
export function remember(entry: Remembered): void {
  try {
    const others = read().filter(([known]) => known !== entry[0]);
    localStorage[KEY] = JSON.stringify([...others, entry].slice(-LIMIT));
    tell();
  } catch {
    // The thumb will not be pressed after a reload; the server has it all the same.
  }
}
