import type { Expression, Kysely, SqlBool, Transaction } from 'kysely';
import type { Schema, StatsTable, TasksTable } from './schema.ts';

/** What each database does in its own way. All else is one SQL for both. */
export interface Engine {
  /** For migrations, which differ; what runs later differs by the methods below. */
  readonly kind: 'sqlite' | 'postgres';
  readonly db: Kysely<Schema>;
  readonly search: TextSearch;
  /**
   * Runs work in a transaction, and once more where the database has given it up for another one's sake: what
   * it does must all be in the transaction.
   */
  transaction<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T>;
  /** The rows that a query reads stay as they are until the transaction ends. */
  locked<Query extends Lockable>(query: Query): Query;
  /** Numbers that nothing else is given, ascending, above all that were given before: `received_us`. */
  arrivals(db: Kysely<Schema>, count: number): Promise<number[]>;
  /** Sees to it that those to come are above this one, which was given elsewhere. */
  passArrivals(tx: Kysely<Schema>, arrival: number): Promise<void>;
  /** A column of texts in the order of their bytes, whatever the database's own order is. */
  inBytes(column: string): Expression<string>;
  /** Adds to the lines of the statistics; those that are not there start from nothing. */
  addToStats(tx: Kysely<Schema>, lines: readonly StatsTable[]): Promise<void>;
  /** Whether the value of one top-level key of a task's metadata is the same JSON text. */
  metadataIs(key: string, value: unknown): Expression<SqlBool>;
  /** Runs work while no other collector runs such work on this database. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Takes a lock that holds until the transaction ends. @returns whether nobody else has it */
  tryLock(tx: Kysely<Schema>, name: string): Promise<boolean>;
  /** Lets the statements of a transaction take as long as they take. */
  withoutLimits(tx: Kysely<Schema>): Promise<void>;
  /** Run it in a transaction that deletes what must leave nothing behind in the database's files. */
  noteRemoval(tx: Kysely<Schema>): Promise<void>;
  /**
   * Takes what deletion has left in the files out of them, a little at a time: some ten milliseconds of the database's.
   *
   * @returns whether nothing is left
   */
  scrub(): Promise<boolean>;
  /** Creates a table whose key starts with `project_id`, in as many partitions as there shall be. */
  createTable(db: Kysely<unknown>, name: string, table: NewTable): Promise<void>;
}

/** Full-text search over input, output and notes. */
export interface TextSearch {
  create(db: Kysely<unknown>, createTable: Engine['createTable']): Promise<void>;
  /** Run it in the transaction that stores the tasks. */
  add(tx: Kysely<Schema>, tasks: readonly Texts[]): Promise<void>;
  /** For a task whose texts have changed. */
  replace(tx: Kysely<Schema>, task: Texts): Promise<void>;
  /** For tasks that are deleted, all of one project. */
  remove(
    tx: Kysely<Schema>,
    tasks: readonly Pick<Texts, 'project_id' | 'received_us'>[],
  ): Promise<void>;
  /**
   * Tasks `t` of a project that hold every one of these words; the start of a word is enough. All entries of the
   * words are read.
   *
   * @param words - at least one, as `queriedWords` cuts them
   */
  matches(projectId: string, words: readonly string[]): Promise<Expression<SqlBool>>;
  /** About how many tasks the index has that is read for this project. */
  size(db: Kysely<Schema>, projectId: string): Promise<number>;
}

export type Texts = Pick<TasksTable, 'project_id' | 'received_us' | 'input' | 'output'> & {
  notes?: string | null;
};

/** A query of Kysely's that can lock rows. */
export interface Lockable {
  forNoKeyUpdate(): unknown;
}

/** A table of Kysely's schema builder. */
export interface NewTable {
  modifyEnd(modifier: Expression<unknown>): { execute(): Promise<void> };
  execute(): Promise<void>;
}
