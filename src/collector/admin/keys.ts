import { HttpError, notFound } from '../http/http-error.ts';
import { makeApiKey, storedKey } from '../model/api-key.ts';
import type { Scope } from '../model/scopes.ts';
import type { KeyRecord, KeyStore } from '../store/store.ts';

/** How long a key still works once it has been rotated. */
export const DEFAULT_GRACE_MS: number = 24 * 3_600_000;
export const MAX_GRACE_MS: number = 7 * DEFAULT_GRACE_MS;

/** Whose keys, and who changes them, as the audit names them. */
export interface KeysOf {
  keys: KeyStore;
  projectId: string;
  actor: string;
}

export interface KeyWish {
  name: string;
  scopes: readonly Scope[];
  /** UNIX seconds; null: never. */
  expiresAt: number | null;
}

/** A key of which this is the only time that it is known. */
export interface MadeKey {
  key: KeyRecord;
  plain: string;
}

const TOO_MANY = 'A project may have 1000 keys that work, those in their grace included';

/** @throws HttpError 404 for a project that there is not, 409 where it has too many keys */
export async function createKey(
  { keys, projectId, actor }: KeysOf,
  wish: KeyWish,
): Promise<MadeKey> {
  const plain = makeApiKey();
  const key = await keys.add(storedKey(projectId, plain, wish), actor);
  if (key === 'no project') throw notFound('Project', projectId);
  if (key === 'too many') throw new HttpError(409, `${TOO_MANY}. Revoke some first`);
  return { key, plain };
}

/** @throws HttpError 404 for a key that the project has not, 409 for one that has expired or been rotated, and for too many keys */
export async function rotateKey(
  { keys, projectId, actor }: KeysOf,
  id: string,
  { graceMs, expiresAt }: { graceMs: number; expiresAt?: number | null | undefined },
): Promise<MadeKey & { old: KeyRecord }> {
  const plain = makeApiKey();
  const { hash, last4 } = storedKey(projectId, plain);
  const outcome = await keys.rotate(projectId, id, { hash, last4, graceMs, expiresAt, actor });
  if (outcome === 'unknown') throw notFound('Key', id);
  if (outcome === 'expired')
    throw new HttpError(409, `Key ${id} has expired. Make a new one instead`);
  if (outcome === 'too many')
    throw new HttpError(409, `${TOO_MANY}. Revoke some first, or rotate without a grace: 0`);
  if ('replacedBy' in outcome) {
    const { replacedBy } = outcome;
    throw new HttpError(
      409,
      `Key ${id} has been rotated already: ${replacedBy} has taken its place. Rotate that one`,
    );
  }
  return { ...outcome, plain };
}

/** @throws HttpError 404 for a key that the project has not */
export async function revokeKey(
  { keys, projectId, actor }: KeysOf,
  id: string,
): Promise<KeyRecord> {
  const key = await keys.revoke(projectId, id, actor);
  if (key === undefined) throw notFound('Key', id);
  return key;
}
