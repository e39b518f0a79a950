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
  const sessions = await withFirstTask(tx, projectId, ids);
  const full = sessions.filter(({ first }) => first !== null);
  const empty = sessions.filter(({ first }) => first === null);
  const previews = await previewsOf(tx, projectId, full);
  if (keepsEmpty) for (const { id } of empty) previews.set(id, null);
  const stale = sessions.filter(
    ({ id, preview }) => previews.has(id) && preview !== previews.get(id),
  );
  await setPreviews(tx, projectId, new Map(stale.map(({ id }) => [id, previews.get(id) ?? null])));
  if (keepsEmpty || empty.length === 0) return 0;
  const { numDeletedRows } = await tx
    .deleteFrom('sessions')
    .where('project_id', '=', projectId)
    .where(
      'id',
      'in',
      empty.map(({ id }) => id),
    )
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

interface Left {
  id: string;
  preview: string | null;
  /** The id of its first task. */
  first: string | null;
}

function withFirstTask(
  tx: Transaction<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<Left[]> {
  return tx
    .selectFrom('sessions as s')
    .select(['s.id', 's.preview'])
    .select((eb) =>
      eb
        .selectFrom('tasks as t')
        .select('t.id')
        .whereRef('t.project_id', '=', 's.project_id')
        .whereRef('t.session_id', '=', 's.id')
        .orderBy('t.created_at')
        .orderBy('t.received_us')
        .limit(1)
        .as('first'),
    )
    .where('s.project_id', '=', projectId)
    .where('s.id', 'in', ids)
    .execute();
}

/** By session. */
async function previewsOf(
  tx: Transaction<Schema>,
  projectId: string,
  sessions: readonly Left[],
): Promise<Map<string, string | null>> {
  if (sessions.length === 0) return new Map();
  // One more, so that it is seen to be cut.
  const length = sql.lit(PREVIEW_LENGTH + 1);
  const firsts = await tx
    .selectFrom('tasks')
    .select([
      'session_id',
      sql<string>`substr(input, 1, ${length})`.as('input'),
      sql<string | null>`substr(output, 1, ${length})`.as('output'),
    ])
    .where('project_id', '=', projectId)
    .where(
      'id',
      'in',
      sessions.flatMap(({ first }) => first ?? []),
    )
    .execute();
  return new Map(firsts.map((task) => [task.session_id ?? '', previewOf(task)]));
}

async function setPreviews(
  tx: Transaction<Schema>,
  projectId: string,
  previews: ReadonlyMap<string, string | null>,
): Promise<void> {
  if (previews.size === 0) return;
  const rows = [...previews].map(
    ([id, preview]) => sql`(cast(${id} as text), cast(${preview} as text))`,
  );
  await sql`
    with made (id, preview) as (values ${sql.join(rows)})
    update sessions set preview = (select made.preview from made where made.id = sessions.id)
    where project_id = ${projectId} and id in (select id from made)`.execute(tx);
}
