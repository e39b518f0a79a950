import type {
  Comparison,
  ComparisonResult,
  Eval,
  Flag,
  JsonObject,
  ProjectContent,
  ProjectDataFilters,
  SessionContent,
  Step,
  TaskContent,
  TestContent,
  TestStatus,
} from '../../types.ts';
import type { ProjectSettings } from '../model/project-settings.ts';
import type { Scope } from '../model/scopes.ts';
import type { DashboardStore } from './dashboard/dashboard-store.ts';
import type { ColumnOf, RecordKind, RowOf } from './transfer/columns.ts';

/**
 * What the collector asks of a database. Every call names its project, and an id of another project is
 * simply not found. What a call has answered is committed.
 */
export interface Store {
  readonly projects: ProjectStore;
  readonly keys: KeyStore;
  readonly tasks: TaskStore;
  readonly sessions: SessionStore;
  readonly tests: TestStore;
  readonly comparisons: ComparisonStore;
  readonly dashboard: DashboardStore;
  readonly logins: LoginStore;
  readonly spans: SpanStore;
  readonly audit: AuditStore;
  readonly removal: RemovalStore;
  readonly transfer: TransferStore;
  /** Rejects where the database does not answer. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Who is logged in to the dashboard. Only hashes of the cookies' secrets are kept. */
export interface LoginStore {
  /** Forgets those that have expired, too. */
  add(hash: string, expiresAt: number): Promise<void>;
  /** Whether it is there and has not expired. */
  has(hash: string): Promise<boolean>;
  remove(hash: string): Promise<void>;
}

export interface StoredKey {
  projectId: string;
  /** SHA-256 in hex. */
  hash: string;
  last4: string;
  name: string;
  scopes: readonly Scope[];
  /** UNIX seconds; null: never. */
  expiresAt: number | null;
}

/** A key with what has become of it. Times are UNIX seconds. */
export interface KeyRecord extends StoredKey {
  createdAt: number;
  /** Up to a minute late; null: never. */
  lastUsedAt: number | null;
  revokedAt: number | null;
  /** The hash of the key that was made in its place. */
  replacedBy: string | null;
  /** Whether a collector's start made it, or was given it. */
  isOfStart: boolean;
}

export interface KeyStore {
  /** Whatever has become of it. */
  find(hash: string): Promise<KeyRecord | undefined>;
  /** All that are not revoked, oldest first; without those that expired more than 30 days ago. */
  list(projectId: string): Promise<KeyRecord[]>;
  add(key: StoredKey, actor: string): Promise<KeyRecord | 'no project' | 'too many'>;
  /**
   * Puts another key in the place of one: with its name, its scopes and, unless told otherwise, its time to live.
   * The old one works for the grace, or as long as it would have.
   */
  rotate(projectId: string, keyId: string, rotation: Rotation): Promise<Rotated | NotRotated>;
  /** @returns undefined where there is none of that id, or it is revoked already */
  revoke(projectId: string, keyId: string, actor: string): Promise<KeyRecord | undefined>;
  /** Sees to the key of a collector's start, and to its project. */
  settle(wish: StartKey): Promise<'kept' | KeyRecord>;
  /** Notes when keys were used last: UNIX seconds by hash. */
  used(times: ReadonlyMap<string, number>): Promise<void>;
}

export interface Rotation {
  /** Of the new key. */
  hash: string;
  last4: string;
  /** Default: as long from now on as the old key had from its beginning. */
  expiresAt?: number | null | undefined;
  /** How long the old key still works; 0 revokes it at once. */
  graceMs: number;
  actor: string;
}

export interface Rotated {
  key: KeyRecord;
  old: KeyRecord;
}

export type NotRotated = 'unknown' | 'expired' | { replacedBy: string };

/** The key of a collector's start. It takes the place of those of earlier starts, and of no other. */
export interface StartKey {
  key: StoredKey;
  /** Whether a project that has a key that works keeps what it has. */
  ifNone: boolean;
  actor: string;
}

/** An administrative act, as it is noted. */
export interface NewAuditEntry {
  /** Who: `key <id>`, `admin token`, `command line`. No key or token is in it. */
  actor: string;
  /** What, as noun and verb: `key.create`, `user.delete`. */
  act: string;
  /** On what: an id. */
  subject: string;
  /** What else there is to know. No captured text is in it. */
  details?: JsonObject;
}

export interface AuditEntry extends Required<NewAuditEntry> {
  projectId: string;
  id: string;
  atMs: number;
}

export interface AuditStore {
  /** @param projectId - '' for what concerns no single project */
  note(projectId: string, entry: NewAuditEntry): Promise<void>;
  /**
   * Newest first; `before` is the id of the last one of the page before.
   *
   * @param projectId - undefined for all of them, and what concerns no single one
   */
  list(
    projectId: string | undefined,
    page: { before?: string | undefined; limit: number },
  ): Promise<AuditEntry[]>;
}

export interface ProjectStore {
  /** Creates the project where it is unknown. */
  ensure(projectId: string): Promise<void>;
  find(projectId: string): Promise<ProjectContent | undefined>;
  /** With its settings. */
  read(projectId: string): Promise<ProjectRecord | undefined>;
  /** By id, from the one after `after` on. */
  list(page: { after?: string | undefined; limit: number }): Promise<ProjectRecord[]>;
  /** @returns whether there was none of that id */
  create(project: NewProject, actor: string): Promise<boolean>;
  /** What the project has set for itself; undefined where it is unknown. */
  settings(projectId: string): Promise<ProjectSettings | undefined>;
  /** @returns the project as it is then; undefined where it is unknown */
  change(
    projectId: string,
    change: ProjectChange,
    actor: string,
  ): Promise<ProjectRecord | undefined>;
}

export interface ProjectRecord {
  id: string;
  project_name: string;
  created_at: number;
  settings: ProjectSettings;
}

export interface NewProject {
  id: string;
  name: string;
  settings: ProjectSettings;
  /** Its first key, if it shall have one. */
  key?: StoredKey | undefined;
}

/** What to change of a project; what is undefined stays. */
export interface ProjectChange {
  name?: string | undefined;
  /** Sets what it holds; null unsets. */
  settings?: JsonObject | undefined;
}

/** A task as it is first stored. */
export interface NewTask {
  id: string;
  sessionId: string | null;
  createdAt: number;
  input: string;
  output: string | null;
  additionalInput: JsonObject | null;
  additionalOutput: JsonObject | null;
  metadata: JsonObject;
  data: JsonObject | null;
  flag: Flag | null;
  environment: string;
  testId: string | null;
  userId: string | null;
  versionId: string | null;
}

/** A verdict to be recorded as an Eval and shown on its task. */
export interface Verdict {
  value: Flag;
  source: string;
  notes: string | null;
  /** UNIX seconds; now, if absent. */
  createdAt?: number | undefined;
}

/** What to change of a task; what is undefined stays. */
export interface TaskChange {
  metadata?: JsonObject | undefined;
  data?: JsonObject | undefined;
  notes?: string | undefined;
  verdict?: Verdict | undefined;
}

export interface Listing {
  filters: ProjectDataFilters;
  limit: number;
}

export interface TaskStore {
  /** Stores those that are not known yet, all in one transaction, and says which these were. */
  add(projectId: string, tasks: readonly NewTask[]): Promise<ReadonlySet<string>>;
  find(projectId: string, taskId: string): Promise<TaskContent | undefined>;
  /** Which of these are stored. */
  known(projectId: string, taskIds: readonly string[]): Promise<string[]>;
  /** How many tasks have been stored on a day of UTC, whatever their times say and whether they are still there. */
  arrivedOn(projectId: string, dayStart: number): Promise<number>;
  /** Newest first. */
  list(projectId: string, listing: Listing): Promise<TaskContent[]>;
  change(projectId: string, taskId: string, change: TaskChange): Promise<TaskContent | undefined>;
  /** All or none, and answers the ids that are unknown. A verdict equal to the task's present one is left out. */
  changeMany(projectId: string, changes: ReadonlyMap<string, TaskChange>): Promise<string[]>;
}

/** What to change of a session; what is undefined stays. */
export interface SessionChange {
  metadata?: JsonObject | undefined;
  data?: JsonObject | undefined;
  notes?: string | undefined;
  preview?: string | undefined;
}

export interface SessionStore {
  create(projectId: string, data: JsonObject | null): Promise<SessionContent>;
  find(projectId: string, sessionId: string): Promise<SessionContent | undefined>;
  /** Newest first. */
  list(projectId: string, listing: Listing): Promise<SessionContent[]>;
  /** Number of tasks, by session. */
  lengths(projectId: string, sessionIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  change(
    projectId: string,
    sessionId: string,
    change: SessionChange,
  ): Promise<SessionContent | undefined>;
  /** Input and output of each task, oldest first. */
  exchanges(projectId: string, sessionId: string): Promise<Exchange[]>;
}

export interface Exchange {
  input: string;
  output: string | null;
}

export interface TestChange {
  status?: TestStatus | undefined;
  /** Merged, key by key, into the present one. */
  summary?: JsonObject | undefined;
}

export interface TestStore {
  create(projectId: string, createdBy: string, summary: JsonObject): Promise<TestContent>;
  find(projectId: string, testId: string): Promise<TestContent | undefined>;
  change(projectId: string, testId: string, change: TestChange): Promise<TestContent | undefined>;
}

/** A judge's finding as it is first stored. */
export interface NewComparison {
  testId: string | null;
  instructions: string | null;
  contextInput: string;
  oldOutput: string;
  newOutput: string;
  result: ComparisonResult;
  source: string;
  reason: string | null;
}

export interface ComparisonStore {
  add(projectId: string, comparison: NewComparison): Promise<Comparison>;
}

/** What counts for a test's score. */
export interface Scored {
  evals: readonly Pick<Eval, 'value'>[];
  comparisons: readonly Pick<Comparison, 'comparison_result'>[];
}

/** A span of a trace, as JSON. */
export interface NewSpan {
  traceId: string;
  spanId: string;
  text: string;
}

export interface AddedSpans {
  stored: number;
  /** They were there already. */
  duplicate: number;
  /** Their traces are full. */
  rejected: number;
}

/** A trace whose turn it is. */
export interface DueTrace {
  projectId: string;
  traceId: string;
}

/** What the spans of a trace amount to. */
export interface TracePlan {
  tasks: NewTask[];
  /** Steps for tasks that came by another way; they are added once such a task is there. */
  additions: { taskId: string; steps: Step[] }[];
}

/**
 * Makes a plan of a trace's spans; or says that it is too early, in milliseconds from now. Undefined: nothing is to be
 * done until further spans come.
 */
export type Fold = (
  traceId: string,
  spans: readonly string[],
  trace: { waitedMs: number; hasTasks: boolean },
) => TracePlan | { waitMs: number } | undefined;

/** Spans from their arrival until their trace is over. Times are UNIX milliseconds. */
export interface SpanStore {
  /** Keeps spans, and has their traces folded a moment later. All or none, but for those that are too many. */
  add(projectId: string, spans: readonly NewSpan[], now: number): Promise<AddedSpans>;
  /** Traces to be folded, the longest due first. */
  due(now: number, limit: number): Promise<DueTrace[]>;
  /** When the next trace is due, if any. */
  nextDue(): Promise<number | undefined>;
  /**
   * Brings the tasks of traces up to date with their spans, in one transaction. Those that another process has done
   * meanwhile are passed over.
   *
   * @returns the ids of tasks that are new
   */
  fold(
    projectId: string,
    traceIds: readonly string[],
    now: number,
    fold: Fold,
  ): Promise<ReadonlySet<string>>;
  /** Deletes the spans of traces that nothing has joined for long. @returns how many traces */
  forget(now: number, limit: number): Promise<number>;
}

/** What is to go of a project: a task, all of a session or user, or all that the project has stored. */
export type Subject = { kind: 'task' | 'session' | 'user'; id: string } | { kind: 'project' };

export interface Removed {
  tasks: number;
  sessions: number;
}

export interface RemovalOptions {
  /** Told after each step what has gone so far. */
  onStep?: (removed: Removed) => void;
  /** Ends it between two steps, by an error. */
  signal?: AbortSignal;
}

/** What is kept of a project; undefined: all. */
export interface KeptOf {
  /** UNIX seconds: what was created before goes. */
  since?: number | undefined;
  /** Of the tasks' texts. */
  maxBytes?: number | undefined;
}

/** How many tasks have gone for their age and for the size of all, and how many other rows. */
export interface Outlived {
  age: number;
  size: number;
  others: number;
}

/** The end of what is stored. */
export interface RemovalStore {
  /** How much a deletion would take now. */
  count(projectId: string, subject: Subject): Promise<Removed>;
  /**
   * Deletes tasks with all that was made of them, in steps of at most 500, each a transaction, and keeps their ids for
   * 48 h so that they are not stored again. What was begun and not ended is ended by calling it again. A session goes
   * with its last task, save where only a task was named. Of a project its tests and comparisons go too.
   *
   * @returns undefined where a task or session is unknown
   */
  remove(
    projectId: string,
    subject: Subject,
    options?: RemovalOptions,
  ): Promise<Removed | undefined>;
  /** The size of all tasks of a project: of their texts, in UTF-8. */
  bytes(projectId: string): Promise<number>;
  /**
   * Takes the next step, of at most 500 tasks, towards keeping no more of a project than this, the oldest first. With
   * `since` old tests that have ended, comparisons and sessions without tasks go too.
   *
   * @returns what has gone; nothing: it is done, or another collector is at it
   */
  retain(projectId: string, kept: KeptOf): Promise<Outlived>;
  /** Forgets ids of what was deleted 48 h before `now`, in UNIX seconds, some at a time. @returns whether it is done */
  forgetRemoved(now: number): Promise<boolean>;
  /** Takes the remains of deletion out of the files, a little at a time. @returns whether none are left */
  scrub(): Promise<boolean>;
}

/** A part of a project's tasks. Times are UNIX seconds, of their `created_at`. */
export interface PartOf {
  since?: number | undefined;
  /** Exclusive. */
  until?: number | undefined;
  user?: string | undefined;
}

/** Where a page has ended. */
export interface Place {
  createdAt: number;
  receivedUs: number;
  id: string;
}

export interface ExportPage {
  /** Of JSON. */
  lines: string[];
  /** What to ask for next; undefined: that was all. */
  next: Place | undefined;
}

/** A row that comes from elsewhere. */
export type Arriving = {
  [Kind in RecordKind]: {
    kind: Kind;
    row: Pick<RowOf<Kind>, ColumnOf<Kind>>;
  };
}[RecordKind];

export interface Arrived {
  /** How many were not there. */
  stored: Record<RecordKind, number>;
  /** Verdicts whose tasks are not there: they were left out. */
  orphans: Arriving[];
}

/** All that a project has stored, out and in. */
export interface TransferStore {
  countTasks(projectId: string, part: PartOf): Promise<number>;
  /**
   * The next lines, of some megabytes at most, or of one task. A task is followed by its verdicts. What is stored or
   * deleted between two pages may or may not be among them.
   */
  page(
    projectId: string,
    kind: Exclude<RecordKind, 'eval'>,
    part: PartOf,
    after: Place | undefined,
  ): Promise<ExportPage>;
  /** Stores what is not there yet; sessions that are missing are made. All or none. */
  put(projectId: string, rows: readonly Arriving[]): Promise<Arrived>;
}
