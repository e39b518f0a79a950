/**
 * The dashboard's JSON API, below `<dashboard>/api`: what its server half answers and its pages read. Both
 * halves ship together, so it is private and may change with any version. Errors are `{"detail": string}`.
 * Times are UNIX seconds, durations milliseconds.
 */

import type { Eval, Flag, SessionContent, TaskContent } from '../../types.ts';

/** `POST api/session`: logs in. 204 with a cookie, or 401. `DELETE api/session` logs out. */
export interface Login {
  token: string;
}

/** `GET api/session`: 401 where nobody is logged in. */
export interface SessionInfo {
  projects: { id: string; name: string }[];
  /** The project that this collector was started for. */
  default_project: string;
  version: string;
  /** What apps take as PHOSPHO_BASE_URL. */
  base_url: string;
}

/** What is read from a task's metadata and kept in columns of its own. */
export interface TaskFacts {
  model: string | null;
  route: string | null;
  /** complete, aborted or error; null where the sender did not say. */
  outcome: string | null;
  latency_ms: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
}

/** A task as a line of a list. */
export interface TaskRow extends TaskFacts {
  id: string;
  created_at: number;
  session_id: string | null;
  user_id: string | null;
  version_id: string | null;
  /** The first PREVIEW_LENGTH characters. */
  input: string;
  output: string | null;
  flag: Flag | null;
  has_notes: boolean;
}

export const PREVIEW_LENGTH = 240;

/**
 * The query of `GET api/projects/:project/tasks`. All are optional and combined with AND. `session`, `user`,
 * `version`, `route` and `model` must be equal.
 */
export interface TaskQuery {
  /** Words that input, output or notes hold, all of them; the start of a word is enough. */
  q?: string;
  /** `none`: without a verdict; `any`: with one. */
  flag?: Flag | 'none' | 'any';
  session?: string;
  user?: string;
  version?: string;
  route?: string;
  model?: string;
  /** UNIX seconds, inclusive. */
  from?: number;
  /** UNIX seconds, inclusive. */
  to?: number;
  /** A page's `older` cursor: what comes after it in the list. */
  before?: string;
  /** A page's `newer` cursor: what comes before it in the list. */
  after?: string;
  /** 1 to 200, by default 50. */
  limit?: number;
}

/** Newest first. */
export interface TaskPage {
  tasks: TaskRow[];
  /** Null where there is nothing older. */
  older: string | null;
  /** Null on the newest page. */
  newer: string | null;
}

/** `GET api/projects/:project/tasks/:id` (404 where it is not there); `POST …/flag` answers it too. */
export interface TaskDetail {
  task: TaskContent;
  facts: TaskFacts;
  user_id: string | null;
  version_id: string | null;
  /** Every verdict, newest first. */
  evals: Eval[];
}

/** `POST api/projects/:project/tasks/:id/flag` */
export interface FlagBody {
  flag: Flag;
  /** At most 2000 characters. */
  notes?: string;
}

export interface SessionRow {
  id: string;
  created_at: number;
  preview: string | null;
  session_length: number;
  last_message_ts: number | null;
  success: number;
  failure: number;
}

/** `GET api/projects/:project/sessions?before=&after=&limit=`, newest first. */
export interface SessionPage {
  sessions: SessionRow[];
  older: string | null;
  newer: string | null;
}

/** One exchange of a transcript. */
export interface Exchange extends TaskFacts {
  id: string;
  created_at: number;
  input: string;
  output: string | null;
  flag: Flag | null;
  notes: string | null;
}

/** `GET api/projects/:project/sessions/:id?after=&limit=`, oldest first. */
export interface Transcript {
  session: SessionContent;
  exchanges: Exchange[];
  /** The cursor of what follows; null at the end. */
  later: string | null;
}

/** Latencies are null where no task has one. A percentile is within 5 % of the exact value. */
export interface Figures {
  tasks: number;
  success: number;
  failure: number;
  /** Tasks whose outcome is `error`. */
  errors: number;
  latency_p50_ms: number | null;
  latency_p95_ms: number | null;
  prompt_tokens: number;
  completion_tokens: number;
}

/**
 * `GET api/projects/:project/overview?from=&to=&bucket=&offset=`: `bucket` is the width of a column in seconds
 * (at least 60, at most 400 columns), `offset` the reader's distance from UTC in seconds (east is positive), so
 * that days begin at midnight.
 */
export interface Overview {
  from: number;
  to: number;
  bucket: number;
  totals: Figures;
  /** Every column of the range, also those without a task. */
  series: (Figures & { time: number })[];
  /** The largest, at most 20, by number of tasks; `name` null for tasks without one. */
  models: (Figures & { name: string | null })[];
  routes: (Figures & { name: string | null })[];
}

/** `GET api/projects/:project/choices`: what the newest 10 000 tasks hold, for the filters' lists. */
export interface Choices {
  routes: string[];
  models: string[];
  versions: string[];
}

/**
 * `GET api/projects/:project/live`: an event stream. `change` comes at most once a second, after tasks or
 * verdicts were stored; a comment every 15 s keeps proxies from closing it.
 */
export const LIVE_EVENT = 'change';
