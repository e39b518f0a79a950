import { type Flag, type Remembered, recall, remember, watchers } from './memory.ts';
import { post, type Target } from './post.ts';
import type { FeedbackFlag, FeedbackState, FlagErrorDetail, FlaggedDetail } from './types.ts';

interface Wish {
  tries: number;
}

type EventName = 'phospho:flagged' | 'phospho:error';
type Detail = FlaggedDetail | FlagErrorDetail;

/** Called at every change; with an event where the server took a flag or it was given up. */
export type Report = (vote: Vote, name?: EventName, detail?: Detail) => void;

const MAX_RETRIES = 3;

/** What the user says of one task. */
export interface Vote {
  readonly key: string;
  /** May be renewed on the way, e.g. by a fresh token. */
  target: Target;
  /** The thumb to show as pressed: at once, before the server has it. */
  flag?: Flag;
  commented: boolean;
  state: FeedbackState;
  /** Whether what failed may be tried again. */
  canRetry?: boolean;
  /** A comment that the server does not have yet goes along with whatever supersedes it. */
  send(flag: FeedbackFlag, notes?: string): void;
  /** Takes over what was said of the task elsewhere: it is the later word. */
  hear(): void;
}

/**
 * One request at a time, and after it the latest wish: so the server's last write is the user's last click.
 * A vote outlives its element and task, for a click is not lost because a chat went on; and its page, for
 * what the server does not have is remembered as such, and sent by the next vote of this key.
 */
export function createVote(key: string, target: Target, report: Report): Vote {
  /** What is remembered, as it was last looked at. */
  let seen = '';
  let taken: Flag;
  /** The comment that the server does not have: empty, where that is the flag alone. */
  let unsent: string | undefined;
  /** Under way; none, where it was given up. */
  let wish: Wish | undefined;
  const vote: Vote = { key, target, commented: false, state: 'idle', send, hear };
  hear();
  if (unsent !== undefined) {
    wish = { tries: 0 };
    // By then the element has all its attributes.
    setTimeout(run);
  }
  return vote;

  function hear(): void {
    const known = recall(key);
    if (!known || seen === `${known}`) return;
    seen = `${known}`;
    const { flag } = vote;
    [, vote.flag, vote.commented, unsent, taken = vote.flag] = known;
    if (flag === vote.flag) return;
    wish = undefined;
    become('idle');
  }

  function send(flag: FeedbackFlag, notes = unsent ?? ''): void {
    vote.flag = flag;
    unsent = notes;
    wish = { tries: 0 };
    keep();
    void run();
  }

  function keep(): void {
    const entry: Remembered = [key, vote.flag, vote.commented];
    if (unsent !== undefined) entry.push(unsent, taken);
    remember(entry);
  }

  async function run(): Promise<void> {
    if (watchers.has(hear)) return;
    watchers.add(hear);
    while (wish) await attempt(wish);
    watchers.delete(hear);
  }

  async function attempt(current: Wish): Promise<void> {
    if (isOffline()) {
      become('waiting');
      await new Promise((resolve) => addEventListener('online', resolve, { once: true }));
      return;
    }
    become('sending');
    const flag = vote.flag as FeedbackFlag;
    const notes = unsent || undefined;
    const { ok, again, after, ...answer } = await post(vote.target, flag, notes);
    const isLatest = current === wish;
    if (ok) {
      taken = flag;
      vote.commented ||= !!notes;
      if (isLatest) {
        wish = unsent = undefined;
        keep();
      } else if (vote.flag) {
        // Superseded by another tab, whose request may have been the faster one.
        wish ??= { tries: 0 };
      }
      become(wish ? 'sending' : 'sent', 'phospho:flagged', { ...answer, flag, notes });
    } else if (isLatest && again && current.tries < MAX_RETRIES) {
      const delay = backOff(current.tries++);
      if (!isOffline()) await sleep(after || delay);
    } else if (isLatest) {
      wish = undefined;
      if (!again) {
        vote.flag = taken;
        unsent = undefined;
        keep();
      }
      become('failed', 'phospho:error', { ...answer, flag });
    }
  }

  function become(state: FeedbackState, name?: EventName, detail?: Detail): void {
    vote.state = state;
    vote.canRetry = state === 'failed' && unsent !== undefined;
    report(vote, name, detail);
  }
}

/** Undefined in some embedded browsers: then an attempt will tell. */
const isOffline = (): boolean => navigator.onLine === false;

/** 1, 3 and 9 s, give or take 20 %: pages that failed together do not come back together. */
const backOff = (tries: number): number => 3 ** tries * (800 + Math.random() * 400);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
