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
