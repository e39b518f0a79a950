import { sql, type Transaction } from 'kysely';
import type { Engine } from '../engine.ts';
import { PREVIEW_LENGTH, previewOf } from '../insert-tasks.ts';
import type { Schema } from '../schema.ts';

/**
 * Sees to sessions that have lost tasks: those without any go, or stay empty; of the others the preview is made of
 * their now first task, since it may hold a text that has gone.
 *
 * @returns how many went
 */
export async function tidySessions(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  sessionIds: readonly string[],
  keepsEmpty: boolean,
): Promise<number> {
  const ids = [...new Set(sessionIds)].sort();
  if (ids.length === 0) return 0;
  const ofThese = tx
    .selectFrom('sessions')
    .select('id')
    .where('project_id', '=', projectId)
    .where('id', 'in', ids)
    .orderBy('id');
  // Whoever stores a task of such a session either has committed, and is seen below, or makes the session anew.
  await engine.locked(ofThese).execute();
  const full = await tx
    .selectFrom('tasks')
    .select('session_id')
    .distinct()
    .where('project_id', '=', projectId)
    .where('session_id', 'in', ids)
    .execute();
  const left = new Set(full.map(({ session_id }) => session_id));
  for (const id of ids) if (left.has(id)) await renewPreview(tx, projectId, id);
  const empty = ids.filter((id) => !left.has(id));
  if (empty.length === 0) return 0;
  if (keepsEmpty) {
    await tx
      .updateTable('sessions')
      .set({ preview: null })
      .where('project_id', '=', projectId)
      .where('id', 'in', empty)
      .execute();
    return 0;
  }
  const { numDeletedRows } = await tx
    .deleteFrom('sessions')
    .where('project_id', '=', projectId)
    .where('id', 'in', empty)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

async function renewPreview(
  tx: Transaction<Schema>,
  projectId: string,
  sessionId: string,
): Promise<void> {
  // One more, so that it is seen to be cut.
  const length = sql.lit(PREVIEW_LENGTH + 1);
  const first = await tx
    .selectFrom('tasks')
    .select([
      sql<string>`substr(input, 1, ${length})`.as('input'),
      sql<string | null>`substr(output, 1, ${length})`.as('output'),
    ])
    .where('project_id', '=', projectId)
    .where('session_id', '=', sessionId)
    .orderBy('created_at')
    .orderBy('received_us')
    .limit(1)
    .executeTakeFirst();
  await tx
    .updateTable('sessions')
    .set({ preview: first === undefined ? null : previewOf(first) })
    .where('project_id', '=', projectId)
    .where('id', '=', sessionId)
    .execute();
}
