import type { Eval, Flag } from '../../../types.ts';
import type { TaskFacts } from '../facts.ts';

// Types alone, for the dashboard's wire and, through it, its pages share them.

/** A task as a line of a list. */
export interface TaskRow extends TaskFacts {
  id: string;
  created_at: number;
  session_id: string | null;
  user_id: string | null;
  version_id: string | null;
  /** The first 240 characters. */
  input: string;
  output: string | null;
  flag: Flag | null;
  has_notes: boolean;
}

/** What of a task the API's TaskContent does not show. */
export interface TaskDetails {
  facts: TaskFacts;
  user_id: string | null;
  version_id: string | null;
  /** The last 100 verdicts, newest first. */
  evals: Eval[];
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

/** One exchange of a transcript. */
export interface Exchange extends TaskFacts {
  id: string;
  created_at: number;
  input: string;
  output: string | null;
  flag: Flag | null;
  notes: string | null;
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

/** Figures of a stretch of time, whole and apart. */
export interface Overview {
  /** Where the first column starts. */
  from: number;
  /** Where the last column ends, exclusive. */
  to: number;
  totals: Figures;
  /** Every column of the range, also those without a task. Each ends where the next one starts. */
  series: (Figures & { time: number })[];
  /** The largest, at most 20, by number of tasks; `name` null for tasks without one. */
  models: (Figures & { name: string | null })[];
  routes: (Figures & { name: string | null })[];
}

/** What the project's tasks hold, for the filters' lists: at most 200 of each, by name. */
export interface Choices {
  routes: string[];
  models: string[];
  versions: string[];
}
