import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { TextSearch, Texts } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { searchedText } from '../search/text-words.ts';

/** Rows a statement. */
const PART = 500;
/** More than these are not listed one by one. */
const FEW = 1000;

/**
 * An FTS5 table of words without their texts or positions (`detail=none`), which keeps it at a tenth of the texts'
 * size. Its rowid is the task's `received_us`, which is unique within a SQLite file.
 * Source: https://www.sqlite.org/fts5.html
 */
export class SqliteTextSearch implements TextSearch {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async create(db: Kysely<unknown>): Promise<void> {
    await sql`create virtual table task_search using fts5(
      body, content='', contentless_delete=1, detail=none, tokenize='unicode61 remove_diacritics 2'
    )`.execute(db);
  }

  async add(tx: Kysely<Schema>, tasks: readonly Texts[]): Promise<void> {
    for (let start = 0; start < tasks.length; start += PART) {
      const rows = tasks
        .slice(start, start + PART)
        .map((task) => sql`(${task.received_us}, ${searchedText(task)})`);
      await sql`insert into task_search (rowid, body) values ${sql.join(rows)}`.execute(tx);
    }
  }

  async replace(tx: Kysely<Schema>, task: Texts): Promise<void> {
    await this.remove(tx, [task]);
    await this.add(tx, [task]);
  }

  async remove(tx: Kysely<Schema>, tasks: readonly Pick<Texts, 'received_us'>[]): Promise<void> {
    for (let start = 0; start < tasks.length; start += PART) {
      const arrivals = tasks.slice(start, start + PART).map((task) => sql`${task.received_us}`);
      await sql`delete from task_search where rowid in (${sql.join(arrivals)})`.execute(tx);
    }
  }

  /** Few matches are read one by one and then put in order of time. Many are soon met by walking along the time. */
  async matches(projectId: string, words: readonly string[]): Promise<Expression<SqlBool>> {
    const match = words.map((word) => `"${word}"*`).join(' AND ');
    const matching = sql`select rowid as arrival from task_search where task_search match ${match}`;
    const { rows } = await sql<{ arrival: number }>`${matching} limit ${FEW + 1}`.execute(this.#db);
    if (rows.length > FEW) {
      return sql<SqlBool>`t.project_id = ${projectId} and t.received_us in (${matching})`;
    }
    const arrivals = sql.join(rows.map(({ arrival }) => sql`${arrival}`));
    // Concatenated, the project is no term that an index on time could begin with.
    return sql<SqlBool>`t.project_id || '' = ${projectId} and t.received_us in (${arrivals})`;
  }

  /** All projects of a file share an index. Rows are numbered, so the last one tells. */
  async size(db: Kysely<Schema>): Promise<number> {
    const { rows } = await sql<{
      last: number | null;
    }>`select max(rowid) as last from tasks`.execute(db);
    return rows[0]?.last ?? 0;
  }
}
