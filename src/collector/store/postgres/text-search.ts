import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Engine, TextSearch, Texts } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { searchedText, wordsIn } from '../search/text-words.ts';
import { DAY } from '../stats/tally.ts';

/** Characters: a tsvector takes words of 2046 bytes. */
const MAX_WORD = 500;
/** Bytes: a tsvector takes 1 MiB of words. */
const MAX_WORDS_BYTES = 900_000;
/** Rows a statement. */
const PART = 500;

/**
 * A table of each task's words as a tsvector with a GIN index. The words are cut here, not by the database, so that
 * they are those that the SQLite search finds, whatever the database's locale and dictionaries are. It is a table of
 * its own: the index on the words, which is dear to write, is left alone when a task gets a flag.
 */
export class PostgresTextSearch implements TextSearch {
  async create(db: Kysely<unknown>, createTable: Engine['createTable']): Promise<void> {
    const table = db.schema
      .createTable('task_search')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('arrival', 'bigint', (column) => column.notNull())
      .addColumn('words', sql`tsvector`, (column) => column.notNull())
      .addPrimaryKeyConstraint('task_search_key', ['project_id', 'arrival']);
    await createTable(db, 'task_search', table);
    await sql`create index task_search_words on task_search using gin (words)`.execute(db);
  }

  async add(tx: Kysely<Schema>, tasks: readonly Texts[]): Promise<void> {
    for (let start = 0; start < tasks.length; start += PART) {
      const rows = tasks.slice(start, start + PART).map((task) => {
        const words = storedWords(task).join(' ');
        const vector = sql`array_to_tsvector(string_to_array(${words}, ' '))`;
        return sql`(${task.project_id}, ${task.received_us}, ${vector})`;
      });
      await sql`
        insert into task_search (project_id, arrival, words)
        values ${sql.join(rows)}
        on conflict (project_id, arrival) do update set words = excluded.words`.execute(tx);
    }
  }

  async replace(tx: Kysely<Schema>, task: Texts): Promise<void> {
    await this.add(tx, [task]);
  }

  async remove(
    tx: Kysely<Schema>,
    tasks: readonly Pick<Texts, 'project_id' | 'received_us'>[],
  ): Promise<void> {
    for (let start = 0; start < tasks.length; start += PART) {
      const part = tasks.slice(start, start + PART);
      const arrivals = sql.join(part.map((task) => sql`${task.received_us}`));
      await sql`
        delete from task_search
        where project_id = ${part[0]?.project_id} and arrival in (${arrivals})`.execute(tx);
    }
  }

  /** All are found by the index, and then put in order of time. */
  async matches(projectId: string, words: readonly string[]): Promise<Expression<SqlBool>> {
    const wanted = words.map((word) => `${word.slice(0, MAX_WORD)}:*`).join(' & ');
    return sql<SqlBool>`t.project_id = ${projectId} and t.received_us = any (array(
      select s.arrival from task_search as s
      where s.project_id = ${projectId} and s.words @@ ${wanted}::tsquery))`;
  }

  /** Of this project alone: of others the index tells quickly that they are none of it. */
  async size(db: Kysely<Schema>, projectId: string): Promise<number> {
    const row = await db
      .selectFrom('task_stats')
      .select((eb) => eb.fn.sum<number>('tasks').as('tasks'))
      .where('project_id', '=', projectId)
      .where('dimension', '=', 'all')
      .where('grain', '=', DAY)
      .executeTakeFirst();
    return Number(row?.tasks ?? 0);
  }
}

function storedWords(task: Texts): string[] {
  const words = new Set<string>();
  let bytes = 0;
  for (const word of wordsIn(searchedText(task))) {
    const cut = word.slice(0, MAX_WORD);
    if (words.has(cut)) continue;
    bytes += Buffer.byteLength(cut);
    if (bytes > MAX_WORDS_BYTES) break;
    words.add(cut);
  }
  return [...words];
}
