import { setTimeout as delay } from 'node:timers/promises';
import { type Expression, type Kysely, type SqlBool, sql, type Transaction } from 'kysely';
import type { Engine, Lockable, NewTable } from '../engine.ts';
import type { Schema, StatsTable } from '../schema.ts';
import { columnsOf } from '../stats/sums.ts';
import { storableJson } from '../storable.ts';
import { LIMITED } from './connection.ts';
import { isConflict } from './errors.ts';
import { PostgresTextSearch } from './text-search.ts';

/** A lock of the whole database: one number for all collectors of all versions. */
const ALONE = 7_040_713_318;
const MAX_ATTEMPTS = 6;
/** Milliseconds at most before the second attempt; then twice that, and so on. */
const PAUSE_MS = 10;

/** PostgreSQL: many writers, in this and other processes. Rows are locked in one order, so they wait but do not block. */
export class PostgresEngine implements Engine {
  readonly kind = 'postgres';
  readonly db: Kysely<Schema>;
  readonly search: PostgresTextSearch;
  readonly #partitions: number;

  constructor(db: Kysely<Schema>, partitions: number) {
    this.db = db;
    this.search = new PostgresTextSearch();
    this.#partitions = partitions;
  }

  async transaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.db.transaction().execute(work);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isConflict(error)) throw error;
      }
      await delay(Math.random() * PAUSE_MS * 2 ** (attempt - 1));
    }
  }

  locked<Query extends Lockable>(query: Query): Query {
    return query.forNoKeyUpdate() as Query;
  }

  /** One sequence for all collectors, whatever their clocks say. */
  async arrivals(db: Kysely<Schema>, count: number): Promise<number[]> {
    const { rows } = await sql<{ n: number }>`
      select nextval('arrivals') as n from generate_series(1, ${count}::int)`.execute(db);
    return rows.map(({ n }) => n).sort((a, b) => a - b);
  }

  /** A second more, since others take numbers while this one is compared. */
  async passArrivals(tx: Kysely<Schema>, arrival: number): Promise<void> {
    await sql`
      select setval('arrivals', greatest(last_value, ${arrival}) + 1000000)
      from arrivals where last_value <= ${arrival}`.execute(tx);
  }

  inBytes(column: string): Expression<string> {
    return sql<string>`${sql.ref(column)} collate "C"`;
  }

  /** One statement, which locks the lines in the order that they are given in. */
  async addToStats(tx: Kysely<Schema>, lines: readonly StatsTable[]): Promise<void> {
    await tx
      .insertInto('task_stats')
      .values([...lines])
      .onConflict((conflict) =>
        conflict
          .columns(['project_id', 'dimension', 'grain', 'start', 'name'])
          .doUpdateSet((eb) => ({
            ...Object.fromEntries(
              columnsOf(lines).map((column) => [
                column,
                eb(`task_stats.${column}`, '+', eb.ref(`excluded.${column}`)),
              ]),
            ),
            latencies: sql<string>`sum_of_histograms(task_stats.latencies, excluded.latencies)`,
          })),
      )
      .execute();
  }

  /** As text, since `jsonb` would order the keys of objects anew. Both sides are JSON.stringify's. */
  metadataIs(key: string, value: unknown): Expression<SqlBool> {
    return sql<SqlBool>`(t.metadata::json -> ${key}::text)::text = ${storableJson(value)}`;
  }

  /** Holds a lock by a transaction of its own, on a second connection. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.db.transaction().execute(async (tx) => {
      await this.withoutLimits(tx);
      await sql`select pg_advisory_xact_lock(${sql.lit(ALONE)})`.execute(tx);
      return work();
    });
  }

  async tryLock(tx: Kysely<Schema>, name: string): Promise<boolean> {
    const { rows } = await sql<{ has: boolean }>`
      select pg_try_advisory_xact_lock(hashtextextended(${name}, 0)) as has`.execute(tx);
    return rows[0]?.has ?? false;
  }

  async withoutLimits(tx: Kysely<Schema>): Promise<void> {
    await sql`select set_config(name, '0', true) from unnest(${LIMITED}::text[]) as name`.execute(
      tx,
    );
  }

  /** A matter of the server's own: see its `vacuum`. */
  async noteRemoval(): Promise<void> {}

  async scrub(): Promise<boolean> {
    return true;
  }

  async createTable(db: Kysely<unknown>, name: string, table: NewTable): Promise<void> {
    if (this.#partitions === 0) return table.execute();
    await table.modifyEnd(sql`partition by hash (project_id)`).execute();
    for (let part = 0; part < this.#partitions; part++) {
      await sql`
        create table ${sql.id(`${name}_${part}`)} partition of ${sql.id(name)}
        for values with (modulus ${sql.lit(this.#partitions)}, remainder ${sql.lit(part)})`.execute(
        db,
      );
    }
  }
}
