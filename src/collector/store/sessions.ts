import { type Kysely, sql } from 'kysely';
import { newSessionId } from '../../internal/ids.ts';
import type { JsonObject, SessionContent } from '../../types.ts';
import { unixNow } from './clock.ts';
import type { Engine } from './engine.ts';
import { taskConditions } from './filters.ts';
import { type CountedSession, sessionOf, textOf } from './rows.ts';
import type { Schema, SessionsTable } from './schema.ts';
import type { Exchange, Listing, SessionChange, SessionStore } from './store.ts';

const DEFAULT_ENVIRONMENT = 'default environment';

export class KyselySessions implements SessionStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#db = engine.db;
  }

  async create(projectId: string, data: JsonObject | null): Promise<SessionContent> {
    const [arrival = 0] = await this.#engine.arrivals(this.#db, 1);
    const row: SessionsTable = {
      project_id: projectId,
      id: newSessionId(),
      created_at: unixNow(),
      received_us: arrival,
      metadata: null,
      data: textOf(data),
      notes: null,
      preview: null,
      environment: DEFAULT_ENVIRONMENT,
    };
    await this.#db.insertInto('sessions').values(row).execute();
    return sessionOf({ ...row, session_length: 0, last_message_ts: null });
  }

  async find(projectId: string, sessionId: string): Promise<SessionContent | undefined> {
    const row = await this.#counted(projectId).where('s.id', '=', sessionId).executeTakeFirst();
    return row && sessionOf(row);
  }

  /**
   * `created_at_*` and `sessions_ids` are about the session itself; the other filters keep a session if one
   * of its tasks meets all of them.
   */
  async list(projectId: string, { filters, limit }: Listing): Promise<SessionContent[]> {
    const { created_at_start, created_at_end, sessions_ids, ...ofTasks } = filters;
    let query = this.#counted(projectId);
    if (created_at_start !== undefined) query = query.where('s.created_at', '>=', created_at_start);
    if (created_at_end !== undefined) query = query.where('s.created_at', '<=', created_at_end);
    if (sessions_ids !== undefined)
      query = query.where((eb) =>
        sessions_ids.length === 0 ? sql<boolean>`1 = 0` : eb('s.id', 'in', sessions_ids),
      );
    if (Object.values(ofTasks).some((filter) => filter !== undefined))
      query = query.where('s.id', 'in', this.#sessionsWithTask(projectId, ofTasks));
    const rows = await query
      .orderBy('s.created_at', 'desc')
      .orderBy('s.received_us', 'desc')
      .limit(limit)
      .execute();
    return rows.map(sessionOf);
  }

  async lengths(
    projectId: string,
    sessionIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    if (sessionIds.length === 0) return new Map();
    const rows = await this.#db
      .selectFrom('tasks')
      .select((eb) => ['session_id', eb.fn.countAll<number>().as('length')])
      .where('project_id', '=', projectId)
      .where('session_id', 'in', sessionIds)
      .groupBy('session_id')
      .execute();
    return new Map(rows.map((row) => [row.session_id ?? '', row.length]));
  }

  async change(
    projectId: string,
    sessionId: string,
    { metadata, data, notes, preview }: SessionChange,
  ): Promise<SessionContent | undefined> {
    const set: Partial<SessionsTable> = {
      ...(metadata && { metadata: textOf(metadata) }),
      ...(data && { data: textOf(data) }),
      ...(notes === undefined ? {} : { notes }),
      ...(preview === undefined ? {} : { preview }),
    };
    if (Object.keys(set).length > 0) {
      await this.#db
        .updateTable('sessions')
        .set(set)
        .where('project_id', '=', projectId)
        .where('id', '=', sessionId)
        .execute();
    }
    return this.find(projectId, sessionId);
  }

  async exchanges(projectId: string, sessionId: string): Promise<Exchange[]> {
    return this.#db
      .selectFrom('tasks')
      .select(['input', 'output'])
      .where('project_id', '=', projectId)
      .where('session_id', '=', sessionId)
      .orderBy('created_at')
      .orderBy('received_us')
      .execute();
  }

  #counted(projectId: string) {
    return this.#db
      .selectFrom('sessions as s')
      .selectAll('s')
      .select((eb) => {
        const tasks = eb
          .selectFrom('tasks as t')
          .whereRef('t.project_id', '=', 's.project_id')
          .whereRef('t.session_id', '=', 's.id');
        return [
          tasks.select((t) => t.fn.countAll<number>().as('n')).as('session_length'),
          tasks.select((t) => t.fn.max('t.created_at').as('ts')).as('last_message_ts'),
        ];
      })
      .where('s.project_id', '=', projectId)
      .$castTo<CountedSession>();
  }

  #sessionsWithTask(projectId: string, filters: Listing['filters']) {
    return this.#db
      .selectFrom('tasks as t')
      .select('t.session_id')
      .where('t.project_id', '=', projectId)
      .where('t.session_id', 'is not', null)
      .where((eb) => eb.and(taskConditions(this.#engine, eb, filters)))
      .$castTo<{ session_id: string }>();
  }
}
