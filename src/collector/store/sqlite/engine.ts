import { type Expression, type Kysely, type SqlBool, sql, type Transaction } from 'kysely';
import { receivedNow } from '../clock.ts';
import type { Engine, Lockable, NewTable } from '../engine.ts';
import type { Schema, StatsTable } from '../schema.ts';
import { addToLines } from './add-to-lines.ts';
import { Remains } from './remains.ts';
import { SqliteTextSearch } from './text-search.ts';

/** SQLite has one connection here and one writer in all: transactions take turns, and what they read stays. */
export class SqliteEngine implements Engine {
  readonly kind = 'sqlite';
  readonly db: Kysely<Schema>;
  readonly search: SqliteTextSearch;
  readonly #remains: Remains;

  constructor(db: Kysely<Schema>) {
    this.db = db;
    this.search = new SqliteTextSearch(db);
    this.#remains = new Remains(db);
  }

  transaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
    return this.db.transaction().execute(work);
  }

  locked<Query extends Lockable>(query: Query): Query {
    return query;
  }

  /** Microseconds. Another process that writes to the same file may be ahead of our clock. */
  async arrivals(db: Kysely<Schema>, count: number): Promise<number[]> {
    const row = await db
      .selectFrom('tasks')
      .select((eb) => eb.fn.max('received_us').as('newest'))
      .executeTakeFirst();
    const newest = row?.newest ?? 0;
    return Array.from({ length: count }, () => receivedNow(newest));
  }

  /** They are above all that are there, see `arrivals`. */
  async passArrivals(): Promise<void> {}

  inBytes(column: string): Expression<string> {
    return sql<string>`${sql.ref(column)}`;
  }

  addToStats(tx: Kysely<Schema>, lines: readonly StatsTable[]): Promise<void> {
    return addToLines(tx, lines);
  }

  /** `json_each` takes the key as data, where a JSON path would parse it. */
  metadataIs(key: string, value: unknown): Expression<SqlBool> {
    return sql<SqlBool>`exists (select 1 from json_each(t.metadata) as m
      where m.key = ${key} and ${equals(value)})`;
  }

  /** A transaction that writes is alone in the file. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  async tryLock(): Promise<boolean> {
    return true;
  }

  async withoutLimits(): Promise<void> {}

  noteRemoval(tx: Kysely<Schema>): Promise<void> {
    return this.#remains.note(tx);
  }

  scrub(): Promise<boolean> {
    return this.#remains.scrub();
  }

  createTable(_db: Kysely<unknown>, _name: string, table: NewTable): Promise<void> {
    return table.execute();
  }
}

function equals(value: unknown): Expression<SqlBool> {
  if (value === null) return sql<SqlBool>`m.type = 'null'`;
  if (typeof value === 'boolean') return sql<SqlBool>`m.type = ${String(value)}`;
  if (typeof value === 'number')
    return sql<SqlBool>`m.type in ('integer', 'real') and m.value = ${value}`;
  if (typeof value === 'string') return sql<SqlBool>`m.type = 'text' and m.value = ${value}`;
  return sql<SqlBool>`m.type in ('object', 'array') and m.value = ${JSON.stringify(value)}`;
}
