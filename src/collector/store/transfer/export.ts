import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { nameOf } from '../facts.ts';
import { within } from '../removal/steps.ts';
import type { Schema } from '../schema.ts';
import { STORED_BYTES } from '../stats/bytes.ts';
import type { ExportPage, PartOf, Place } from '../store.ts';
import { COLUMNS, type ColumnOf, lineOf, type RowOf, TABLES } from './columns.ts';

/** Rows a page; of tasks fewer, where their texts are long. */
const ROWS = 500;

/** Rows of a project in the order of time, which is the same on all databases, page by page. */
export async function exportPage(
  engine: Engine,
  projectId: string,
  kind: 'session' | 'task' | 'test' | 'comparison',
  part: PartOf,
  after: Place | undefined,
): Promise<ExportPage> {
  const { db } = engine;
  switch (kind) {
    case 'session':
      return sessionsPage(engine, projectId, part, after);
    case 'task':
      return tasksPage(engine, projectId, part, after);
    case 'test':
    case 'comparison': {
      // They are of no user.
      if (part.user !== undefined) return { lines: [], next: undefined };
      let query = db
        .selectFrom(TABLES[kind] as 'tests')
        .select(COLUMNS[kind] as typeof COLUMNS.test)
        .where('project_id', '=', projectId)
        .orderBy('created_at')
        .orderBy(sql`${engine.inBytes('id')}`)
        .limit(ROWS);
      if (part.since !== undefined) query = query.where('created_at', '>=', part.since);
      if (part.until !== undefined) query = query.where('created_at', '<', part.until);
      if (after !== undefined)
        query = query.where(
          sql<boolean>`(created_at, ${engine.inBytes('id')}) > (${after.createdAt}, ${after.id})`,
        );
      const rows = await query.execute();
      return pageOf(
        rows.map((row) => lineOf(kind, row)),
        rows.map((row) => ({ ...row, received_us: 0 })),
      );
    }
  }
}

interface Placed {
  id: string;
  created_at: number;
  received_us: number;
}

function pageOf(lines: string[], rows: readonly Placed[], isLast = rows.length < ROWS): ExportPage {
  const end = rows.at(-1);
  const next = end && { createdAt: end.created_at, receivedUs: end.received_us, id: end.id };
  return { lines, next: isLast ? undefined : next };
}

/** Sessions after a place. */
function sessionsAfter<O>(
  engine: Engine,
  query: SelectQueryBuilder<Schema, 'sessions', O>,
  after: Place | undefined,
): SelectQueryBuilder<Schema, 'sessions', O> {
  const id = engine.inBytes('id');
  const found = query.orderBy('created_at').orderBy('received_us').orderBy(id).limit(ROWS);
  if (after === undefined) return found;
  // The first condition is one that an index on time can begin with; ids tell those of the same time apart.
  const { createdAt, receivedUs } = after;
  return found
    .where(sql<boolean>`(created_at, received_us) >= (${createdAt}, ${receivedUs})`)
    .where(
      sql<boolean>`((created_at, received_us) > (${createdAt}, ${receivedUs}) or ${id} > ${after.id})`,
    );
}

/** Of a part of the tasks: the sessions that these are of, without previews, which may be of others. */
async function sessionsPage(
  engine: Engine,
  projectId: string,
  part: PartOf,
  after: Place | undefined,
): Promise<ExportPage> {
  const isAll = Object.values(part).every((limit) => limit === undefined);
  const all = engine.db.selectFrom('sessions').where('project_id', '=', projectId);
  let query = sessionsAfter(engine, all, after).select(COLUMNS.session);
  if (!isAll) {
    const tasks = tasksOf(engine.db, projectId, part).where('session_id', 'is not', null);
    query = query.where('id', 'in', tasks.select('session_id').$castTo<{ session_id: string }>());
  }
  const rows = await query.execute();
  const shown = rows.map((row) => (isAll ? row : { ...row, preview: null }));
  return pageOf(
    shown.map((row) => lineOf('session', row)),
    rows,
  );
}

function tasksOf(db: Kysely<Schema>, projectId: string, { since, until, user }: PartOf) {
  let tasks = db.selectFrom('tasks').where('project_id', '=', projectId);
  if (since !== undefined) tasks = tasks.where('created_at', '>=', since);
  if (until !== undefined) tasks = tasks.where('created_at', '<', until);
  if (user !== undefined) tasks = tasks.where('user_id', '=', nameOf(user));
  return tasks;
}

export async function countTasks(
  db: Kysely<Schema>,
  projectId: string,
  part: PartOf,
): Promise<number> {
  const { count } = await tasksOf(db, projectId, part)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Each task with its verdicts behind it. */
async function tasksPage(
  engine: Engine,
  projectId: string,
  part: PartOf,
  after: Place | undefined,
): Promise<ExportPage> {
  let query = tasksOf(engine.db, projectId, part)
    .select(['id', 'created_at', 'received_us', STORED_BYTES.as('bytes')])
    // No two of a project arrive at once, so that no id is needed, which no index has here.
    .orderBy('created_at')
    .orderBy('received_us')
    .limit(ROWS);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(created_at, received_us) > (${after.createdAt}, ${after.receivedUs})`,
    );
  const heads = await query.execute();
  const taken = within(heads);
  const ids = taken.map(({ id }) => id);
  const rows = await rowsOf(engine.db, projectId, ids);
  const evals = await evalsOf(engine.db, projectId, ids);
  const lines = ids.flatMap((id) => {
    const row = rows.get(id);
    // Deleted since.
    if (row === undefined) return [];
    return [
      lineOf('task', row),
      ...(evals.get(id) ?? []).map((verdict) => lineOf('eval', verdict)),
    ];
  });
  return pageOf(lines, taken, heads.length < ROWS && taken.length === heads.length);
}

async function rowsOf(
  db: Kysely<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, Pick<RowOf<'task'>, ColumnOf<'task'>>>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('tasks')
    .select(COLUMNS.task)
    .where('project_id', '=', projectId)
    .where('id', 'in', ids)
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

type EvalRow = Pick<RowOf<'eval'>, ColumnOf<'eval'>>;

async function evalsOf(
  db: Kysely<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, EvalRow[]>> {
  const found = new Map<string, EvalRow[]>();
  if (ids.length === 0) return found;
  const rows = await db
    .selectFrom('evals')
    .select(COLUMNS.eval)
    .where('project_id', '=', projectId)
    .where('task_id', 'in', ids)
    .execute();
  rows.sort((a, b) => a.received_us - b.received_us || (a.id < b.id ? -1 : 1));
  for (const row of rows) found.set(row.task_id, [...(found.get(row.task_id) ?? []), row]);
  return found;
}
