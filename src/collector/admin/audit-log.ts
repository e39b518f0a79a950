import { callHook } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import type { JsonObject } from '../../types.ts';
import { jsonLines } from '../http/request-log.ts';
import type { AuditEntry } from '../store/store.ts';

/** One administrative act, as it is logged: no captured text, key or token is in it. */
export interface AuditLogEntry {
  /** ISO 8601. */
  time: string;
  /** What, as noun and verb: `key.create`, `project.change`. */
  audit: string;
  /** Of the stored entry. */
  id: string;
  /** null for what concerns no single one. */
  project: string | null;
  /** Who: `key <id>`, `admin token`, `start (<user>)` … */
  actor: string;
  /** On what: an id. */
  subject: string;
  details: JsonObject;
}

/** What is told of each administrative act: the function that was given, or one that writes JSON lines. */
export function auditLogOf(
  option: boolean | ((entry: AuditLogEntry) => void),
  logger: GuardedLogger,
): (entry: AuditEntry) => void {
  if (option === false) return () => {};
  const write = option === true ? jsonLines() : option;
  return (entry) => callHook(logger, 'auditLog', write, logEntryOf(entry));
}

function logEntryOf({ atMs, act, id, projectId, actor, subject, details }: AuditEntry) {
  return {
    time: new Date(atMs).toISOString(),
    audit: act,
    id,
    project: projectId === '' ? null : projectId,
    actor,
    subject,
    details,
  };
}
