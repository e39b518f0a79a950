import { recall, remember } from './memory.ts';
import { post, type Target } from './post.ts';
import type { FeedbackFlag, FeedbackState, FlagErrorDetail, FlaggedDetail } from './types.ts';

interface Wish {
  flag: FeedbackFlag;
  notes: string | undefined;
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
  flag: FeedbackFlag | undefined;
  commented: boolean;
  state: FeedbackState;
  /** Whether what failed may be tried again. */
  canRetry: boolean;
  /** A comment that the server does not have yet goes along with whatever supersedes it. */
  send(flag: FeedbackFlag, notes?: string): void;
}

/**
 * One request at a time, and after it the latest wish: so the server's last write is the user's last click.
 * A vote outlives its element and task, for a click is not lost because a chat went on.
 */
export function createVote(key: string, target: Target, report: Report): Vote {
  const [, flag, commented = false] = recall(key) ?? [];
  let taken = flag;
  let wish: Wish | undefined;
  let failed: Wish | undefined;
  let isRunning = false;
  const vote: Vote = { key, target, flag, commented, state: 'idle', canRetry: false, send };
  return vote;

  function send(flag: FeedbackFlag, notes = (wish ?? failed)?.notes): void {
    vote.flag = flag;
    wish = { flag, notes, tries: 0 };
    failed = undefined;
    if (!isRunning) void run();
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (wish) await attempt(wish);
    isRunning = false;
  }

  async function attempt(current: Wish): Promise<void> {
    if (isOffline()) {
      become('waiting');
      await new Promise((resolve) => addEventListener('online', resolve, { once: true }));
      return;
    }
    become('sending');
    const { flag, notes } = current;
    const { ok, again, after, ...answer } = await post(vote.target, flag, notes);
    const isLatest = current === wish;
    if (ok) {
      taken = flag;
      vote.commented ||= !!notes;
      remember([key, flag, vote.commented]);
      if (isLatest) wish = undefined;
      become(wish ? 'sending' : 'sent', 'phospho:flagged', { ...answer, flag, notes });
    } else if (isLatest && again && current.tries < MAX_RETRIES) {
      const delay = backOff(current.tries++);
      if (!isOffline()) await sleep(after || delay);
    } else if (isLatest) {
      wish = undefined;
      if (again) failed = current;
      else vote.flag = taken;
      become('failed', 'phospho:error', { ...answer, flag });
    }
  }

  function become(state: FeedbackState, name?: EventName, detail?: Detail): void {
    vote.state = state;
    vote.canRetry = !!failed;
    report(vote, name, detail);
  }
}

/** Undefined in some embedded browsers: then an attempt will tell. */
const isOffline = (): boolean => navigator.onLine === false;

/** 1, 3 and 9 s, give or take 20 %: pages that failed together do not come back together. */
const backOff = (tries: number): number => 3 ** tries * (800 + Math.random() * 400);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
