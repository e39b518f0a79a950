import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Schema, TasksTable } from '../schema.ts';

/**
 * Full-text search over input, output and notes: an FTS5 table of words without their texts or positions
 * (`detail=none`), which keeps it at a tenth of the texts' size. Its rowid is the task's `received_us`, which
 * is unique within a SQLite file. Source: https://www.sqlite.org/fts5.html
 */
export async function createTextSearch(db: Kysely<unknown>): Promise<void> {
  await sql`create virtual table task_search using fts5(
    body, content='', contentless_delete=1, detail=none, tokenize='unicode61 remove_diacritics 2'
  )`.execute(db);
}

type Texts = Pick<TasksTable, 'received_us' | 'input' | 'output'> & { notes?: string | null };

/** Characters of input and of output that can be found. */
const MAX_INDEXED = 65_536;
/** Rows a statement. */
const PART = 500;

/** Run it in the transaction that stores the tasks. */
export async function addToSearch(db: Kysely<Schema>, tasks: readonly Texts[]): Promise<void> {
  for (let start = 0; start < tasks.length; start += PART) {
    const rows = tasks
      .slice(start, start + PART)
      .map((task) => sql`(${task.received_us}, ${bodyOf(task)})`);
    await sql`insert into task_search (rowid, body) values ${sql.join(rows)}`.execute(db);
  }
}

/** For a task whose texts have changed. */
export async function replaceInSearch(db: Kysely<Schema>, task: Texts): Promise<void> {
  await sql`delete from task_search where rowid = ${task.received_us}`.execute(db);
  await addToSearch(db, [task]);
}

function bodyOf({ input, output, notes }: Texts): string {
  const parts = [input.slice(0, MAX_INDEXED), output?.slice(0, MAX_INDEXED), notes];
  return spaced(parts.filter((part) => typeof part === 'string').join('\n'));
}

/** More than these are not listed one by one. */
const FEW = 1000;

/**
 * Tasks `t` of a project that hold every word of a query; the start of a word is enough. A query without any
 * word matches nothing.
 *
 * Few matches are read one by one and then put in order of time. Many are soon met by walking along the time, so
 * there the walk asks of each task whether it matches.
 */
export async function matchesText(
  db: Kysely<Schema>,
  projectId: string,
  query: string,
): Promise<Expression<SqlBool>> {
  const words = wordsOf(query);
  if (words.length === 0) return sql<SqlBool>`1 = 0`;
  const match = words.map((word) => `"${word}"*`).join(' AND ');
  const matching = sql`select rowid as arrival from task_search where task_search match ${match}`;
  const { rows } = await sql<{ arrival: number }>`${matching} limit ${FEW + 1}`.execute(db);
  if (rows.length > FEW) {
    return sql<SqlBool>`t.project_id = ${projectId} and t.received_us in (${matching})`;
  }
  const arrivals = sql.join(rows.map(({ arrival }) => sql`${arrival}`));
  // Concatenated, the project is no term that an index on time could begin with.
  return sql<SqlBool>`t.project_id || '' = ${projectId} and t.received_us in (${arrivals})`;
}

const MAX_WORDS = 16;

/** Only letters, marks and digits are left, so no word can be taken for FTS5's query language. */
function wordsOf(query: string): string[] {
  return (spaced(query).match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).slice(0, MAX_WORDS);
}

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/gu;

/** Scripts that put no spaces between words are searched by their characters. */
function spaced(text: string): string {
  return text.search(UNSPACED) < 0 ? text : text.replace(UNSPACED, ' $& ');
}
