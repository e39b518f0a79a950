import type { Flag, TestStatus } from '../../types.ts';
import type { TaskFacts } from './facts.ts';
import type { Dimension, Sums } from './stats/sums.ts';

/**
 * The tables. Every key starts with `project_id`, so that a database can be partitioned by project.
 * `created_at` is the caller's time in UNIX seconds; `received_us`, our time in microseconds, orders equals.
 * JSON is kept as text, exactly as it came.
 */
export interface Schema {
  projects: ProjectsTable;
  api_keys: ApiKeysTable;
  sessions: SessionsTable;
  tasks: TasksTable;
  evals: EvalsTable;
  task_stats: StatsTable;
  logins: LoginsTable;
  tests: TestsTable;
  comparisons: ComparisonsTable;
  otlp_traces: OtlpTracesTable;
  otlp_spans: OtlpSpansTable;
  audit: AuditTable;
  removed_tasks: RemovedTasksTable;
}

export interface ProjectsTable {
  id: string;
  project_name: string;
  created_at: number;
  /** ProjectSettings as JSON. */
  settings: string | null;
}

export interface ApiKeysTable {
  project_id: string;
  /** SHA-256 of the key, in hex. The key itself is nowhere. */
  hash: string;
  last4: string;
  created_at: number;
  /** With blanks between. */
  scopes: string;
  name: string;
  /** 1: a collector's start made it, or was given it. */
  of_start: number;
  /** From when on it is refused, in UNIX seconds. */
  expires_at: number | null;
  /** The row stays: a start that is given the key must not bring it back. */
  revoked_at: number | null;
  /** Up to a minute late. */
  last_used_at: number | null;
  /** The hash of the key that a rotation made in its place. */
  replaced_by: string | null;
}

export interface SessionsTable {
  project_id: string;
  id: string;
  created_at: number;
  received_us: number;
  metadata: string | null;
  data: string | null;
  notes: string | null;
  preview: string | null;
  environment: string;
}

export interface TasksTable extends TaskFacts {
  project_id: string;
  id: string;
  session_id: string | null;
  created_at: number;
  received_us: number;
  input: string;
  output: string | null;
  additional_input: string | null;
  additional_output: string | null;
  metadata: string;
  data: string | null;
  flag: Flag | null;
  last_eval: string | null;
  last_eval_source: string | null;
  human_eval: string | null;
  notes: string | null;
  environment: string;
  test_id: string | null;
  user_id: string | null;
  version_id: string | null;
}

/** Sums over the tasks of an hour or a day, apart by model, route and version, kept in step with the tasks. */
export interface StatsTable extends Omit<Sums, 'latencies'> {
  project_id: string;
  dimension: Dimension;
  /** The stretch of time in seconds: an hour or a day. */
  grain: number;
  /** Where it starts, in UNIX seconds: a multiple of `grain`. */
  start: number;
  /** '' in the dimension `all`, and for tasks without such a name. */
  name: string;
  /** A Histogram as text. */
  latencies: string;
}

/** Who is logged in to the dashboard, which shows all projects. */
export interface LoginsTable {
  /** SHA-256 of the cookie's secret, in hex. */
  hash: string;
  created_at: number;
  expires_at: number;
}

export interface EvalsTable {
  project_id: string;
  id: string;
  created_at: number;
  received_us: number;
  session_id: string | null;
  task_id: string;
  value: Flag;
  source: string;
  test_id: string | null;
  notes: string | null;
}

export interface TestsTable {
  project_id: string;
  id: string;
  created_by: string;
  created_at: number;
  last_updated_at: number;
  terminated_at: number | null;
  status: TestStatus;
  summary: string;
}

/** Filled by the judge behind `/evals/compare`; a test's score counts them. */
export interface ComparisonsTable {
  project_id: string;
  id: string;
  created_at: number;
  test_id: string | null;
  instructions: string | null;
  context_input: string;
  old_output: string;
  new_output: string;
  comparison_result: string;
  source: string;
  /** In the judge's words; of an "Error", what went wrong. */
  reason: string | null;
}

/** A trace whose spans are kept, so that later ones can join them. */
export interface OtlpTracesTable {
  project_id: string;
  trace_id: string;
  /** When the oldest span came that is in no task yet. UNIX milliseconds, as all times of this table. */
  waits_since_ms: number;
  /** When its spans are to be folded into tasks; null where all are. */
  due_ms: number | null;
  /** When its spans are deleted. */
  forget_ms: number;
  /** How many are kept, and their size. */
  spans: number;
  bytes: number;
  /** The tasks that were made of it, as JSON: by id, the keys of their metadata that are the trace's. */
  made: string;
}

export interface OtlpSpansTable {
  project_id: string;
  trace_id: string;
  span_id: string;
  /** A KeptSpan as JSON. */
  span: string;
}

/** Who has administered what. Rows are added only. */
export interface AuditTable {
  /** '' for what concerns no single project. */
  project_id: string;
  id: string;
  at_ms: number;
  actor: string;
  act: string;
  subject: string;
  /** JSON. */
  details: string;
}

/** Tasks that were deleted on somebody's request, so that a sender's retry does not bring them back. No texts. */
export interface RemovedTasksTable {
  project_id: string;
  id: string;
  /** UNIX seconds. */
  removed_at: number;
}
