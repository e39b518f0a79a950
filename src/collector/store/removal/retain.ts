import type { Transaction } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { STORED_BYTES } from '../stats/bytes.ts';
import { DAY } from '../stats/tally.ts';
import type { KeptOf, Outlived } from '../store.ts';
import { tidySessions } from './left-sessions.ts';
import { removeTasks } from './remove-tasks.ts';
import { within } from './steps.ts';

/** Sessions without tasks, tests and comparisons a step. */
const ROWS = 500;

const NOTHING: Outlived = { age: 0, size: 0, others: 0 };

/** The next step towards what is kept of a project. Of several collectors one takes it, the others pass. */
export function retainStep(engine: Engine, projectId: string, kept: KeptOf): Promise<Outlived> {
  return engine.transaction(async (tx) => {
    if (!(await engine.tryLock(tx, `retention of ${projectId}`))) return NOTHING;
    const outlived = await removeOldest(engine, tx, projectId, kept);
    if (outlived.age + outlived.size > 0 || kept.since === undefined) return outlived;
    return { ...NOTHING, others: await removeOthers(engine, tx, projectId, kept.since) };
  });
}

async function removeOldest(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  { since = Number.NEGATIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY }: KeptOf,
): Promise<Outlived> {
  const oldest = await tx
    .selectFrom('tasks')
    .select(['id', 'created_at', STORED_BYTES.as('bytes')])
    .where('project_id', '=', projectId)
    .orderBy('created_at')
    .orderBy('received_us')
    .limit(ROWS)
    .execute();
  let excess = (await bytesStored(tx, projectId)) - maxBytes;
  const old = new Set<string>();
  const going = within(oldest).filter((task) => {
    if (task.created_at < since) old.add(task.id);
    else if (excess <= 0) return false;
    excess -= task.bytes;
    return true;
  });
  if (going.length === 0) return NOTHING;
  const ids = going.map(({ id }) => id);
  // A sender tries again for a day: if it is that late, the task goes once more.
  const manner = { remembers: false, keepsSessions: false };
  const { tasks } = await removeTasks(engine, tx, projectId, ids, manner);
  const size = going.length - old.size;
  // Some may have been deleted by others since they were read.
  return { age: Math.max(0, tasks - size), size: Math.min(size, tasks), others: 0 };
}

/** The size of a project's tasks, from the figures of its days. */
export async function bytesStored(
  db: Pick<Transaction<Schema>, 'selectFrom'>,
  projectId: string,
): Promise<number> {
  const { bytes } = await db
    .selectFrom('task_stats')
    .select((eb) => eb.fn.sum<number | string | null>('bytes').as('bytes'))
    .where('project_id', '=', projectId)
    .where('dimension', '=', 'all')
    .where('grain', '=', DAY)
    .executeTakeFirstOrThrow();
  // PostgreSQL's sum of bigint is a numeric, which comes as a text.
  return Number(bytes ?? 0);
}

/** What belongs to no task. @returns how many rows */
async function removeOthers(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  since: number,
): Promise<number> {
  const empty = await tx
    .selectFrom('sessions as s')
    .select('s.id')
    .where('s.project_id', '=', projectId)
    .where('s.created_at', '<', since)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('tasks as t')
            .select('t.id')
            .whereRef('t.project_id', '=', 's.project_id')
            .whereRef('t.session_id', '=', 's.id'),
        ),
      ),
    )
    .limit(ROWS)
    .execute();
  const ids = empty.map(({ id }) => id);
  let gone = await tidySessions(engine, tx, projectId, ids, false);
  for (const [table, column] of [
    ['comparisons', 'created_at'],
    ['tests', 'terminated_at'],
  ] as const) {
    const old = tx
      .selectFrom(table)
      .select('id')
      .where('project_id', '=', projectId)
      .where(column as 'created_at', '<', since)
      .limit(ROWS);
    const { numDeletedRows } = await tx
      .deleteFrom(table)
      .where('project_id', '=', projectId)
      .where('id', 'in', old)
      .executeTakeFirstOrThrow();
    gone += Number(numDeletedRows);
  }
  if (gone > 0) await engine.noteRemoval(tx);
  return gone;
}
