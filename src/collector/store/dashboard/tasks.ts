import { type Expression, type SqlBool, sql } from 'kysely';
import type { Flag } from '../../../types.ts';
import type { Engine } from '../engine.ts';
import { nameOf } from '../facts.ts';
import { planSearch } from '../search/search-plan.ts';
import { MAX_SEARCHED } from '../search/text-words.ts';
import type { SearchedTexts } from '../search/word-test.ts';
import { isBeyond, type Page, type PageStart, pageOf } from './cursor.ts';
import type { TaskRow } from './shapes.ts';

/** What a list of tasks is narrowed to; all that is given must hold. */
export interface TaskQuery extends PageStart {
  /** The id of a task, or words of its texts. */
  q?: string | undefined;
  flag?: Flag | 'none' | 'any' | undefined;
  session?: string | undefined;
  user?: string | undefined;
  version?: string | undefined;
  route?: string | undefined;
  model?: string | undefined;
  /** UNIX seconds, inclusive. */
  from?: number | undefined;
  to?: number | undefined;
  limit: number;
}

/** Characters of input and output in a list. */
const PREVIEW_LENGTH = 240;

export async function pageOfTasks(
  engine: Engine,
  projectId: string,
  query: TaskQuery,
): Promise<Page<TaskRow>> {
  const { limit } = query;
  const page = pageOf(await read(engine, projectId, query, limit + 1), limit, query);
  return {
    ...page,
    rows: page.rows.map(({ received_us: _, has_notes, ...row }) => ({
      ...row,
      has_notes: Boolean(has_notes),
    })),
  };
}

type ReadRow = Omit<TaskRow, 'has_notes'> & { received_us: number; has_notes: number };

/** In the page's direction, at most `wanted`. */
async function read(
  engine: Engine,
  projectId: string,
  query: TaskQuery,
  wanted: number,
): Promise<ReadRow[]> {
  const ofProject = sql<SqlBool>`t.project_id = ${projectId}`;
  const id = query.q?.trim();
  if (id === undefined) return rowsOf(engine, ofProject, query, wanted);
  if (await isTask(engine.db, projectId, id)) {
    return rowsOf(engine, sql<SqlBool>`${ofProject} and t.id = ${id}`, query, wanted);
  }
  const { where, holds, surely } = await planSearch(engine, projectId, id, wanted);
  if (holds === undefined) return rowsOf(engine, where, query, wanted);
  const found = await walk({ engine, where, query, holds, wanted });
  return found ?? rowsOf(engine, await surely(), query, wanted);
}

async function isTask(db: Engine['db'], projectId: string, id: string): Promise<boolean> {
  const named = await db
    .selectFrom('tasks')
    .select('id')
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst();
  return named !== undefined;
}

/** Rows whose texts are read at a time, at first and at most. */
const FIRST_PART = 64;
const LARGEST_PART = 256;
/** Rows whose texts are read in all. */
const WALK_AT_MOST = 4096;

/** @returns undefined where matches are too rare to be met so */
async function walk({
  engine,
  where,
  query,
  holds,
  wanted,
}: {
  engine: Engine;
  where: Expression<SqlBool>;
  query: TaskQuery;
  holds: (texts: SearchedTexts) => boolean;
  wanted: number;
}): Promise<ReadRow[] | undefined> {
  const found: ReadRow[] = [];
  let from = query;
  let part = FIRST_PART;
  for (let met = 0; met < WALK_AT_MOST; met += part) {
    part = Math.min(met === 0 ? FIRST_PART : part * 2, LARGEST_PART);
    const rows = await select(engine, where, from, part)
      .select([
        sql<string>`substr(t.input, 1, ${MAX_SEARCHED})`.as('searched_input'),
        sql<string | null>`substr(t.output, 1, ${MAX_SEARCHED})`.as('searched_output'),
        't.notes',
      ])
      .execute();
    for (const { searched_input, searched_output, notes, ...row } of rows) {
      if (!holds({ input: searched_input, output: searched_output, notes })) continue;
      found.push(row);
      if (found.length === wanted) return found;
    }
    const last = rows.at(-1);
    if (rows.length < part || last === undefined) return found;
    from = query.after === undefined ? { ...query, before: last } : { ...query, after: last };
  }
  return undefined;
}

function rowsOf(
  engine: Engine,
  where: Expression<SqlBool>,
  query: TaskQuery,
  limit: number,
): Promise<ReadRow[]> {
  return select(engine, where, query, limit).execute();
}

function select({ db }: Engine, where: Expression<SqlBool>, query: TaskQuery, limit: number) {
  const order = query.after === undefined ? 'desc' : 'asc';
  return db
    .selectFrom('tasks as t')
    .select([
      ...(['t.id', 't.created_at', 't.received_us', 't.session_id', 't.user_id'] as const),
      ...(['t.version_id', 't.flag', 't.model', 't.route', 't.outcome', 't.latency_ms'] as const),
      ...(['t.prompt_tokens', 't.completion_tokens'] as const),
      sql<string>`substr(t.input, 1, ${PREVIEW_LENGTH})`.as('input'),
      sql<string | null>`substr(t.output, 1, ${PREVIEW_LENGTH})`.as('output'),
      sql<number>`coalesce(t.notes, '') != ''`.as('has_notes'),
    ])
    .where(where)
    .where((eb) => eb.and(conditions(query)))
    .orderBy('t.created_at', order)
    .orderBy('t.received_us', order)
    .limit(limit);
}

function conditions(query: TaskQuery): Expression<SqlBool>[] {
  const found: Expression<SqlBool>[] = [];
  const { flag, from, to, before, after } = query;
  if (from !== undefined) found.push(sql<SqlBool>`t.created_at >= ${from}`);
  if (to !== undefined) found.push(sql<SqlBool>`t.created_at <= ${to}`);
  if (before !== undefined) found.push(isBeyond('t', 'older', before));
  if (after !== undefined) found.push(isBeyond('t', 'newer', after));
  if (flag === 'none') found.push(sql<SqlBool>`t.flag is null`);
  else if (flag === 'any') found.push(sql<SqlBool>`t.flag is not null`);
  else if (flag !== undefined) found.push(sql<SqlBool>`t.flag = ${flag}`);
  if (query.session !== undefined) found.push(sql<SqlBool>`t.session_id = ${query.session}`);
  for (const [column, value] of [
    ['t.user_id', query.user],
    ['t.version_id', query.version],
    ['t.route', query.route],
    ['t.model', query.model],
  ] as const) {
    if (value !== undefined) found.push(sql<SqlBool>`${sql.ref(column)} = ${nameOf(value)}`);
  }
  return found;
}
