import type { Flag, JsonObject, ProjectDataFilters, TaskContent } from '../../../types.ts';

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
