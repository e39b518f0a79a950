import type { Transaction } from 'kysely';
import { keyId } from '../model/api-key.ts';
import type { Note } from './audit.ts';
import type { Engine } from './engine.ts';
import { creationOf, insertKey, keyOfRow, lockProject, workingKeys } from './key-rows.ts';
import { insertProject } from './project-rows.ts';
import type { Schema } from './schema.ts';
import type { KeyRecord, StartKey } from './store.ts';

/**
 * Creates the project where it is unknown, and lets the key of a start take the place of those of earlier ones.
 * What was revoked, rotated or made by other means is left alone.
 *
 * @returns the key as it is stored, which may be expired or revoked: it then stays so
 */
export async function settleStartKey(
  engine: Engine,
  tx: Transaction<Schema>,
  note: Note,
  { key, ifNone, actor }: StartKey,
): Promise<'kept' | KeyRecord> {
  const { projectId } = key;
  if (await insertProject(tx, { id: projectId, name: projectId, settings: {} }))
    await note(projectId, { actor, act: 'project.create', subject: projectId });
  await lockProject(engine, tx, projectId);
  if (ifNone && (await workingKeys(tx, projectId)) > 0) return 'kept';
  const known = await tx
    .selectFrom('api_keys')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('hash', '=', key.hash)
    .executeTakeFirst();
  if (known !== undefined && known.revoked_at !== null) return keyOfRow(known);
  const earlier = await tx
    .selectFrom('api_keys')
    .select('hash')
    .where('project_id', '=', projectId)
    .where('of_start', '=', 1)
    .where('hash', '!=', key.hash)
    .where('revoked_at', 'is', null)
    .where('replaced_by', 'is', null)
    .execute();
  for (const { hash } of earlier) {
    // No trace stays of it, so that a start which is given it again may have it.
    await tx
      .deleteFrom('api_keys')
      .where('project_id', '=', projectId)
      .where('hash', '=', hash)
      .execute();
    const details = { new_key: keyId(key) };
    await note(projectId, { actor, act: 'key.revoke', subject: keyId({ hash }), details });
  }
  if (known !== undefined) return keyOfRow(known);
  await note(projectId, { actor, ...creationOf(key) });
  return insertKey(tx, key, true);
}
