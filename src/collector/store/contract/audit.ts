import type { JsonObject } from '../../../types.ts';

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
