/** Where a store says what other collectors have stored in the same database. */
export interface Follower {
  /** The projects whose news anybody waits for. */
  projects(): Iterable<string>;
  /** This collector has stored something of the project. */
  changed(projectId: string): void;
  /** Another one has, or may have: once too often does no harm. */
  changedElsewhere(projectId: string): void;
}

/** Carries news between the collectors of a database. */
export interface News {
  /** Tells the others. Call it after the commit. */
  tell(projectId: string): void;
  close(): Promise<void>;
}
