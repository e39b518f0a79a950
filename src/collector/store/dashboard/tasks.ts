import { type Expression, type SqlBool, sql } from 'kysely';
import type { Flag } from '../../../types.ts';
import type { Engine } from '../engine.ts';
import { nameOf } from '../facts.ts';
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
  const { limit, after } = query;
  const order = after === undefined ? 'desc' : 'asc';
  const read = await engine.db
    .selectFrom('tasks as t')
    .select([
      ...(['t.id', 't.created_at', 't.received_us', 't.session_id', 't.user_id'] as const),
      ...(['t.version_id', 't.flag', 't.model', 't.route', 't.outcome', 't.latency_ms'] as const),
      ...(['t.prompt_tokens', 't.completion_tokens'] as const),
      sql<string>`substr(t.input, 1, ${PREVIEW_LENGTH})`.as('input'),
      sql<string | null>`substr(t.output, 1, ${PREVIEW_LENGTH})`.as('output'),
      sql<number>`coalesce(t.notes, '') != ''`.as('has_notes'),
    ])
    .where(await wanted(engine, projectId, query.q))
    .where((eb) => eb.and(conditions(query)))
    .orderBy('t.created_at', order)
    .orderBy('t.received_us', order)
    .limit(limit + 1)
    .execute();
  const page = pageOf(read, limit, query);
  return {
    ...page,
    rows: page.rows.map(({ received_us: _, has_notes, ...row }) => ({
      ...row,
      has_notes: Boolean(has_notes),
    })),
  };
}

/** The project's tasks or, of these, the one whose id was searched for, or those that hold the words. */
async function wanted(
  { db, search }: Engine,
  projectId: string,
  q: string | undefined,
): Promise<Expression<SqlBool>> {
  const ofProject = sql<SqlBool>`t.project_id = ${projectId}`;
  if (q === undefined) return ofProject;
  const id = q.trim();
  const named = await db
    .selectFrom('tasks')
    .select('id')
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (named !== undefined) return sql<SqlBool>`${ofProject} and t.id = ${id}`;
  return search.matches(projectId, q);
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
