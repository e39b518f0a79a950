import type { FeedbackFlag } from './types.ts';

/** What the server took of one task, as localStorage keeps it: short, as there may be 200 of them. */
export type Remembered = [task: string, flag: FeedbackFlag, commented: boolean];

const KEY = 'phospho-feedback';
const LIMIT = 200;

/** Storage may be blocked, full, or hold what somebody else wrote there: whatever it is, it throws here. */
function read(): Remembered[] {
  try {
    const list: Remembered[] = JSON.parse(localStorage[KEY]);
    return list.filter(([, flag]) => /^(success|failure)$/.test(flag));
  } catch {
    return [];
  }
}

export function recall(task: string): Remembered | undefined {
  return read().find(([known]) => known === task);
}

/** The oldest is forgotten first. */
export function remember(entry: Remembered): void {
  try {
    const others = read().filter(([known]) => known !== entry[0]);
    localStorage[KEY] = JSON.stringify([...others, entry].slice(-LIMIT));
  } catch {
    // The thumb will not be pressed after a reload; the server has it all the same.
  }
}
