import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';
import { cursorOf, isBeyond, type Page, type PageStart, type Position, pageOf } from './cursor.ts';
import type { Exchange, SessionRow } from './shapes.ts';

/** Newest first. */
export async function pageOfSessions(
  db: Kysely<Schema>,
  projectId: string,
  { limit, ...start }: PageStart & { limit: number },
): Promise<Page<SessionRow>> {
  const order = start.after === undefined ? 'desc' : 'asc';
  let query = db
    .selectFrom('sessions as s')
    .select(['s.id', 's.created_at', 's.received_us', 's.preview'])
    .where('s.project_id', '=', projectId);
  if (start.before !== undefined) query = query.where(isBeyond('s', 'older', start.before));
  if (start.after !== undefined) query = query.where(isBeyond('s', 'newer', start.after));
  const read = await query
    .orderBy('s.created_at', order)
    .orderBy('s.received_us', order)
    .limit(limit + 1)
    .execute();
  const page = pageOf(read, limit, start);
  const counts = await countsOf(
    db,
    projectId,
    page.rows.map(({ id }) => id),
  );
  return {
    ...page,
    rows: page.rows.map(({ received_us: _, ...row }) => ({
      ...row,
      ...(counts.get(row.id) ?? NO_COUNTS),
    })),
  };
}

const NO_COUNTS = { session_length: 0, last_message_ts: null, success: 0, failure: 0 };

async function countsOf(db: Kysely<Schema>, projectId: string, ids: readonly string[]) {
  if (ids.length === 0) return new Map<string, never>();
  const rows = await db
    .selectFrom('tasks')
    .select((eb) => [
      'session_id',
      eb.fn.countAll<number>().as('session_length'),
      eb.fn.max('created_at').as('last_message_ts'),
      sql<number>`count(case flag when 'success' then 1 end)`.as('success'),
      sql<number>`count(case flag when 'failure' then 1 end)`.as('failure'),
    ])
    .where('project_id', '=', projectId)
    .where('session_id', 'in', ids)
    .groupBy('session_id')
    .execute();
  return new Map(rows.map(({ session_id, ...counts }) => [session_id ?? '', counts]));
}

/** Oldest first. */
export async function transcript(
  db: Kysely<Schema>,
  projectId: string,
  sessionId: string,
  { after, limit }: { after?: Position | undefined; limit: number },
): Promise<{ exchanges: Exchange[]; later: string | null }> {
  let query = db
    .selectFrom('tasks as t')
    .select([
      ...(['t.id', 't.created_at', 't.received_us', 't.input', 't.output', 't.flag'] as const),
      ...(['t.notes', 't.model', 't.route', 't.outcome', 't.latency_ms'] as const),
      ...(['t.prompt_tokens', 't.completion_tokens'] as const),
    ])
    .where('t.project_id', '=', projectId)
    .where('t.session_id', '=', sessionId);
  if (after !== undefined) query = query.where(isBeyond('t', 'newer', after));
  const read = await query
    .orderBy('t.created_at')
    .orderBy('t.received_us')
    .limit(limit + 1)
    .execute();
  const rows = read.slice(0, limit);
  const last = rows.at(-1);
  return {
    exchanges: rows.map(({ received_us: _, ...row }) => row),
    later: read.length > limit && last !== undefined ? cursorOf(last) : null,
  };
}
