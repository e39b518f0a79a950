import type { Kysely, Transaction } from 'kysely';
import { keyId } from '../model/api-key.ts';
import { scopesIn, textOfScopes } from '../model/scopes.ts';
import { unixNow } from './clock.ts';
import type { Engine } from './engine.ts';
import type { ApiKeysTable, Schema } from './schema.ts';
import type { KeyRecord, NewAuditEntry, StoredKey } from './store.ts';

/** Whoever changes a project's keys waits for others who do, in this and other processes. */
export async function lockProject(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
): Promise<boolean> {
  const query = tx.selectFrom('projects').select('id').where('id', '=', projectId);
  return (await engine.locked(query).executeTakeFirst()) !== undefined;
}

export async function workingKeys(tx: Kysely<Schema>, projectId: string): Promise<number> {
  const row = await tx
    .selectFrom('api_keys')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('project_id', '=', projectId)
    .where('revoked_at', 'is', null)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', unixNow())]))
    .executeTakeFirst();
  return Number(row?.count ?? 0);
}

export async function insertKey(
  tx: Kysely<Schema>,
  { projectId, hash, last4, name, scopes, expiresAt }: StoredKey,
  isOfStart = false,
): Promise<KeyRecord> {
  const row: ApiKeysTable = {
    project_id: projectId,
    hash,
    last4,
    created_at: unixNow(),
    name,
    scopes: textOfScopes(scopes),
    of_start: isOfStart ? 1 : 0,
    expires_at: expiresAt,
    revoked_at: null,
    last_used_at: null,
    replaced_by: null,
  };
  await tx.insertInto('api_keys').values(row).execute();
  return keyOfRow(row);
}

/** How the making of a key is noted. */
export function creationOf(key: StoredKey): Omit<Required<NewAuditEntry>, 'actor'> {
  const { name, scopes, expiresAt: expires_at } = key;
  return {
    act: 'key.create',
    subject: keyId(key),
    details: { name, scopes: textOfScopes(scopes), expires_at },
  };
}

export function keyOfRow(row: ApiKeysTable): KeyRecord {
  return {
    projectId: row.project_id,
    hash: row.hash,
    last4: row.last4,
    name: row.name,
    scopes: scopesIn(row.scopes),
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    replacedBy: row.replaced_by,
    isOfStart: row.of_start === 1,
  };
}
