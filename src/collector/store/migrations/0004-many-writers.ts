import { type Kysely, type Migration, sql } from 'kysely';
import type { Engine } from '../engine.ts';

/**
 * What PostgreSQL needs where several collectors write at once; SQLite has one writer and needs none of it.
 * Arrivals are numbered by a sequence, from this time's microseconds on, so that they go on above those of a
 * SQLite file that is imported. Two writers add to one line of the statistics within the database.
 */
export const manyWriters = (engine: Pick<Engine, 'kind'>): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    if (engine.kind === 'sqlite') return;
    const start = sql.lit(Date.now() * 1000);
    await sql`create sequence arrivals as bigint start with ${start}`.execute(db);
    await sql`create unique index tasks_by_arrival on tasks (project_id, received_us)`.execute(db);
    await sql`
      create function sum_of_histograms(a text, b text) returns text
      language sql immutable parallel safe
      return (
        select coalesce(json_object_agg(bucket, count), '{}')::text
        from (
          select bucket, sum(count::bigint) as count
          from (
            select key as bucket, value as count from json_each_text(a::json)
            union all
            select key, value from json_each_text(b::json)
          ) as both_of_them
          group by bucket
          having sum(count::bigint) <> 0
        ) as summed
      )`.execute(db);
  },
});
