import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Engine, TextSearch, Texts } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { queriedWords, searchedText, wordsIn } from '../text-words.ts';

/** Characters: a tsvector takes words of 2046 bytes. */
const MAX_WORD = 500;
/** Bytes: a tsvector takes 1 MiB of words. */
const MAX_WORDS_BYTES = 900_000;
/** Of so many of the newest tasks, so many matches make a word a common one. */
const SAMPLE = 500;
const COMMON = 10;
/** Rows a statement. */
const PART = 500;

/**
 * A table of each task's words as a tsvector with a GIN index. The words are cut here, not by the database, so that
 * they are those that the SQLite search finds, whatever the database's locale and dictionaries are. It is a table of
 * its own: the index on the words, which is dear to write, is left alone when a task gets a flag.
 */
export class PostgresTextSearch implements TextSearch {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

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
    { project_id, received_us }: Pick<Texts, 'project_id' | 'received_us'>,
  ): Promise<void> {
    await sql`
      delete from task_search where project_id = ${project_id} and arrival = ${received_us}`.execute(
      tx,
    );
  }

  /**
   * Matches that are rare are all found by the index, and then put in order of time. Those that are common are
   * soon met by walking along the time. Which they are is asked of the newest tasks: the planner's own guess of how
   * many words have a beginning makes it walk in vain.
   */
  async matches(projectId: string, query: string): Promise<Expression<SqlBool>> {
    const words = queriedWords(query).flatMap(wordsIn);
    if (words.length === 0) return sql<SqlBool>`1 = 0`;
    const wanted = words.map((word) => `${word.slice(0, MAX_WORD)}:*`).join(' & ');
    const ofProject = sql`t.project_id = ${projectId}`;
    if (await this.#isCommon(projectId, wanted)) {
      // With an offset the planner leaves it where it is: at each task of the walk.
      return sql<SqlBool>`${ofProject} and exists (
        select 1 from task_search as s
        where s.project_id = t.project_id and s.arrival = t.received_us
          and s.words @@ ${wanted}::tsquery
        offset 0)`;
    }
    return sql<SqlBool>`${ofProject} and t.received_us = any (array(
      select s.arrival from task_search as s
      where s.project_id = ${projectId} and s.words @@ ${wanted}::tsquery))`;
  }

  async #isCommon(projectId: string, wanted: string): Promise<boolean> {
    const { rows } = await sql<{ matching: number }>`
      select count(*) as matching
      from (
        select project_id, received_us from tasks
        where project_id = ${projectId}
        order by created_at desc, received_us desc
        limit ${SAMPLE}
      ) as t
      join task_search as s on s.project_id = t.project_id and s.arrival = t.received_us
      where s.words @@ ${wanted}::tsquery`.execute(this.#db);
    return (rows[0]?.matching ?? 0) >= COMMON;
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
