import { type Kysely, sql, type Transaction } from 'kysely';
import { unixNow } from '../clock.ts';
import type { Schema } from '../schema.ts';

/** Twice as long as our delivery sends an event again, in seconds. */
export const REMEMBERED_SECONDS: number = 48 * 60 * 60;

/** Ids a statement. */
const PART = 1000;

/** Keeps the ids of tasks that somebody wants gone. */
export async function rememberRemoved(
  tx: Transaction<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<void> {
  const removedAt = unixNow();
  for (let start = 0; start < ids.length; start += PART) {
    const part = ids.slice(start, start + PART);
    await tx
      .insertInto('removed_tasks')
      .values(part.map((id) => ({ project_id: projectId, id, removed_at: removedAt })))
      .onConflict((conflict) =>
        conflict.columns(['project_id', 'id']).doUpdateSet({ removed_at: removedAt }),
      )
      .execute();
  }
}

/**
 * Takes those of the tasks just inserted out again that were deleted before, and answers the others. After the
 * insert, since that waits for a deletion of the same id to commit: a look before it would not see it.
 */
export async function withoutRemoved(
  tx: Transaction<Schema>,
  projectId: string,
  inserted: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const removed = await removedOf(tx, projectId, [...inserted]);
  if (removed.size === 0) return inserted;
  await tx
    .deleteFrom('tasks')
    .where('project_id', '=', projectId)
    .where('id', 'in', [...removed])
    .execute();
  return new Set([...inserted].filter((id) => !removed.has(id)));
}

/** Most projects have none: that is asked first, by a statement that is short and stays prepared. */
async function hasRemoved(db: Kysely<Schema>, projectId: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from removed_tasks where project_id = ${projectId} limit 1`.execute(db);
  return rows.length > 0;
}

/** Which of these were deleted lately. Of a span: the task that it became, or would have become. */
export async function removedOf(
  db: Kysely<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const removed = new Set<string>();
  if (ids.length === 0 || !(await hasRemoved(db, projectId))) return removed;
  for (let start = 0; start < ids.length; start += PART) {
    const rows = await db
      .selectFrom('removed_tasks')
      .select('id')
      .where('project_id', '=', projectId)
      .where('id', 'in', ids.slice(start, start + PART))
      .execute();
    for (const { id } of rows) removed.add(id);
  }
  return removed;
}
