import type { AuditEntry } from './store.ts';

/** Where a store says what this and other collectors have stored in the database. */
export interface Follower {
  /** The projects whose news anybody waits for. */
  projects(): Iterable<string>;
  /** This collector has stored something of the project. */
  changed(projectId: string): void;
  /** Another one has, or may have: once too often does no harm. */
  changedElsewhere(projectId: string): void;
  /** An administrative act of this collector is stored. */
  administered?(entry: AuditEntry): void;
}

/** Carries news between the collectors of a database. */
export interface News {
  /** Tells the others. Call it after the commit. */
  tell(projectId: string): void;
  close(): Promise<void>;
}
