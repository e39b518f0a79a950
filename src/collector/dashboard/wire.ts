/**
 * The dashboard's JSON API, below `<dashboard>/api`: what its server half answers and its pages read. Both
 * halves ship together, so it is private and may change with any version. Errors are `{"detail": string}`, or a
 * list of faults `{loc, msg, type}` where a query or body is not valid (422).
 * Times are UNIX seconds, durations milliseconds.
 */

import type { Flag, SessionContent, TaskContent } from '../../types.ts';
import type { Exchange, SessionRow, TaskDetails, TaskRow } from '../store/dashboard/shapes.ts';

export type {
  Choices,
  Exchange,
  Figures,
  Overview,
  SessionRow,
  TaskRow,
} from '../store/dashboard/shapes.ts';
export type { TaskFacts } from '../store/facts.ts';

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

/**
 * The query of `GET api/projects/:project/tasks`. All are optional and combined with AND. `session`, `user`,
 * `version`, `route` and `model` must be equal.
 */
export interface TaskQuery {
  /** A task's id, or words that input, output or notes hold, all of them; the start of a word is enough. */
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
export interface TaskDetail extends TaskDetails {
  task: TaskContent;
}

/** `POST api/projects/:project/tasks/:id/flag` */
export interface FlagBody {
  flag: Flag;
  /** At most 2000 characters. */
  notes?: string;
}

/** `GET api/projects/:project/sessions?before=&after=&limit=`, newest first. */
export interface SessionPage {
  sessions: SessionRow[];
  older: string | null;
  newer: string | null;
}

/** `GET api/projects/:project/sessions/:id?after=&limit=`, oldest first. */
export interface Transcript {
  session: SessionContent;
  exchanges: Exchange[];
  /** The cursor of what follows; null at the end. */
  later: string | null;
}

// `GET api/projects/:project/overview?starts=&to=` answers an Overview. `starts` are where its columns start,
// separated by commas, at most 400, and `to` is where the last one ends: whole hours, the grain that figures are
// kept in. The reader's side cuts them, for only it knows when its days begin.
// `GET api/projects/:project/choices` answers Choices.

/**
 * `GET api/projects/:project/live`: an event stream. `change` comes at most once a second, after tasks or
 * verdicts were stored; a comment every 15 s keeps proxies from closing it.
 */
export const LIVE_EVENT = 'change';
