/**
 * Wire and domain words, as phospho's HTTP API spells them: snake_case keys, UNIX seconds.
 * Source: phospho's public backend (`/v2` endpoints and models).
 */

/** A verdict on a task. */
export type Flag = 'success' | 'failure';

/** Any JSON object, of which we know nothing. */
export type JsonObject = { [key: string]: unknown };

/** Who gave a verdict: an end user, the app's owner, an evaluation … Free text. */
export type FlagSource = string;

/** Token counts, under the names that travel at the top level of an event, and in a step's `usage`. */
export interface Usage {
  /** All input tokens, cached ones included. */
  prompt_tokens?: number;
  completion_tokens?: number;
  /** As the provider says it; absent where it says none. */
  total_tokens?: number;
  /** Input tokens read from a cache; part of `prompt_tokens`. */
  cache_read_tokens?: number;
  /** Input tokens written to a cache; part of `prompt_tokens`. */
  cache_creation_tokens?: number;
  /** Output tokens spent on thinking; mostly part of `completion_tokens`. */
  reasoning_tokens?: number;
}

/** A tool that the model asked for. */
export interface ToolCall {
  name: string;
  /** As the model wrote them: JSON text, or the object that it stands for. */
  arguments?: unknown;
}

/** A part of a task: a decorated method, a wrapped function or an observed model call inside it. */
export interface Step {
  /** Unique within the task. */
  step_id: string;
  name: string;
  input?: unknown;
  output?: unknown;
  /** Start, UNIX milliseconds. */
  started_at: number;
  duration_ms: number;
  outcome: Outcome;
  /** The error's name and message, where it ended in one. */
  error?: string;
  /** Of a model call, as far as its request and answer say them. */
  model?: string;
  usage?: Usage;
  finish_reason?: string;
  tool_calls?: ToolCall[];
  /** What the app has added. */
  metadata?: JsonObject;
  steps?: Step[];
}

/** How a task or step ended. `aborted`: the reader left before the end; what was produced is kept. */
export type Outcome = 'complete' | 'aborted' | 'error';

/** One event of `POST /log/{project_id}`. Unknown top-level keys end up in the task's metadata. */
export interface LogEvent {
  /** The idempotency key: a server ignores an id that it has already stored. */
  task_id: string;
  session_id?: string;
  project_id?: string;
  input: string;
  output?: string | null;
  /** UNIX seconds. */
  client_created_at: number;
  /** UNIX seconds. */
  created_at?: number;
  /** UNIX seconds. */
  last_update?: number;
  metadata?: JsonObject;
  step_id?: string;
  version_id?: string;
  user_id?: string;
  flag?: Flag;
  test_id?: string;
  raw_input?: unknown;
  raw_input_type_name?: string;
  raw_output?: unknown;
  raw_output_type_name?: string;
  environment?: string;
  model?: string;
  system_prompt?: string;
  prompt_tokens?: number;
  completion_tokens?: number;
  total_tokens?: number;
  steps?: Step[];
  [key: string]: unknown;
}

/** An answer to one LogEvent: the event as stored, or why it was not. */
export type LoggedEvent = LogEvent | { error_in_log: string };

/** A verdict as stored. */
export interface Eval {
  id: string;
  created_at: number;
  project_id: string;
  session_id?: string | null;
  task_id: string;
  value: Flag | 'undefined' | null;
  source: FlagSource;
  test_id?: string | null;
  notes?: string | null;
  [key: string]: unknown;
}

/** A task as the API answers it. */
export interface TaskContent {
  id: string;
  /** UNIX seconds. */
  created_at: number;
  project_id: string;
  org_id?: string | null;
  session_id?: string | null;
  input: string;
  /** The raw input as an object; a string or list arrives as `{ raw_input: … }`. */
  additional_input?: JsonObject | null;
  output?: string | null;
  additional_output?: JsonObject | null;
  metadata?: JsonObject | null;
  data?: JsonObject | null;
  flag?: Flag | null;
  last_eval?: Eval | null;
  human_eval?: Eval | null;
  events: unknown[];
  environment?: string;
  notes?: string | null;
  test_id?: string | null;
  task_position?: number | null;
  is_last_task?: boolean | null;
  [key: string]: unknown;
}

/** A session as the API answers it. */
export interface SessionContent {
  id: string;
  /** UNIX seconds. */
  created_at: number;
  project_id: string;
  metadata?: JsonObject | null;
  data?: JsonObject | null;
  notes?: string | null;
  /** The first exchange, shortened. */
  preview?: string | null;
  environment?: string;
  events: unknown[];
  tasks?: TaskContent[] | null;
  /** Number of tasks. */
  session_length: number;
  /** UNIX seconds. */
  last_message_ts?: number | null;
  [key: string]: unknown;
}

export type TestStatus = 'started' | 'completed' | 'canceled';

/** A test: a named run of evaluations and comparisons. */
export interface TestContent {
  id: string;
  project_id: string;
  org_id?: string | null;
  created_by: string;
  created_at: number;
  last_updated_at: number;
  terminated_at?: number | null;
  status: TestStatus;
  summary: JsonObject;
  [key: string]: unknown;
}

export type ComparisonResult =
  | 'Old output is better'
  | 'New output is better'
  | 'Same quality'
  | 'Both are bad'
  | 'Error';

/** What a judge said of two answers to one input. */
export interface Comparison {
  id: string;
  created_at: number;
  project_id: string;
  instructions?: string | null;
  context_input: string;
  old_output: string;
  new_output: string;
  comparison_result: ComparisonResult;
  source: string;
  test_id?: string | null;
  [key: string]: unknown;
}

/** One row of the flat-task calls: a task with one of its events. */
export interface FlattenedTask {
  task_id: string;
  task_input?: string | null;
  task_output?: string | null;
  task_metadata?: JsonObject | null;
  task_eval?: Flag | null;
  task_eval_source?: string | null;
  task_eval_at?: number | null;
  task_created_at?: number;
  session_id?: string | null;
  session_length?: number | null;
  event_name?: string | null;
  event_created_at?: number | null;
  [key: string]: unknown;
}

/** A project as the API answers it. */
export interface ProjectContent {
  id: string;
  project_name?: string;
  org_id?: string | null;
  created_at?: number;
  [key: string]: unknown;
}

/** Filters of the task listings, combined with AND. */
export interface ProjectDataFilters {
  /** UNIX seconds, inclusive. */
  created_at_start?: number;
  /** UNIX seconds, inclusive. */
  created_at_end?: number;
  flag?: Flag;
  metadata?: JsonObject;
  user_id?: string;
  version_id?: string;
  last_eval_source?: string;
  has_notes?: boolean;
  tasks_ids?: string[];
  sessions_ids?: string[];
  task_position?: number;
  is_last_task?: boolean;
  event_name?: string[];
  sentiment?: string;
  language?: string;
}
