import type { JsonObject } from '../../types.ts';
import { keyId } from '../model/api-key.ts';
import type { ProjectSettings } from '../model/project-settings.ts';
import type { Scope } from '../model/scopes.ts';
import type { AuditEntry, KeyRecord, ProjectRecord } from '../store/store.ts';

/** A key, as API and command line show it. Times are UNIX seconds. */
export interface ShownKey {
  id: string;
  project_id: string;
  name: string;
  scopes: Scope[];
  last4: string;
  created_at: number;
  expires_at: number | null;
  last_used_at: number | null;
  replaced_by: string | null;
  of_start: boolean;
}

export function shownKey(key: KeyRecord): ShownKey {
  return {
    id: keyId(key),
    project_id: key.projectId,
    name: key.name,
    scopes: [...key.scopes],
    last4: key.last4,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    last_used_at: key.lastUsedAt,
    replaced_by: key.replacedBy === null ? null : keyId({ hash: key.replacedBy }),
    of_start: key.isOfStart,
  };
}

export interface ShownProject {
  id: string;
  project_name: string;
  created_at: number;
  settings: ProjectSettings;
}

export function shownProject({
  id,
  project_name,
  created_at,
  settings,
}: ProjectRecord): ShownProject {
  return { id, project_name, created_at, settings };
}

export interface ShownAct {
  id: string;
  /** UNIX milliseconds. */
  at_ms: number;
  project_id: string | null;
  actor: string;
  act: string;
  subject: string;
  details: JsonObject;
}

export function shownAct({
  id,
  atMs,
  projectId,
  actor,
  act,
  subject,
  details,
}: AuditEntry): ShownAct {
  return {
    id,
    at_ms: atMs,
    project_id: projectId === '' ? null : projectId,
    actor,
    act,
    subject,
    details,
  };
}
