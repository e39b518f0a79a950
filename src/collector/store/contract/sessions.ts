import type { JsonObject, SessionContent } from '../../../types.ts';
import type { Listing } from './tasks.ts';

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
