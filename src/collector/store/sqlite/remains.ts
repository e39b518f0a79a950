import { type Kysely, sql } from 'kysely';
import type { Schema } from '../schema.ts';

/** Pages of the search's index a step: some milliseconds. */
const PAGES_PER_STEP = 32;

/**
 * What deletion leaves in a SQLite file. Rows are overwritten (`secure_delete`), but the search's index only marks
 * what was deleted until its parts are merged, and the write-ahead log holds pages as they were. That there is
 * something is noted in the file itself (`user_version`), so that the next process goes on where one was ended.
 * Source: https://www.sqlite.org/fts5.html#the_merge_command
 */
export class Remains {
  readonly #db: Kysely<Schema>;
  #merge: { mark: number; stepsLeft: number } | undefined;
  /** What is merged, and waits for the log to be empty: a reader may take minutes, and a merge is dear. */
  #merged: number | undefined;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  /** Another mark each time: what is deleted during a merge needs another one. */
  async note(tx: Kysely<Schema>): Promise<void> {
    const mark = ((await markOf(tx)) % 1_000_000_000) + 1;
    await sql`pragma user_version = ${sql.lit(mark)}`.execute(tx);
  }

  /** @returns whether nothing is left */
  async scrub(): Promise<boolean> {
    const mark = await markOf(this.#db);
    if (mark === 0) return true;
    if (this.#merged === mark) return this.#finish(mark);
    const merge = this.#merge;
    if (merge === undefined) {
      this.#merge = { mark, stepsLeft: (await this.#pages()) / PAGES_PER_STEP + 2 };
      // Negative: all parts are to be merged into one.
      await this.#step(-PAGES_PER_STEP);
      return false;
    }
    // New tasks make new parts, so that there may always be some more to merge.
    if (merge.stepsLeft-- > 0 && (await this.#step(PAGES_PER_STEP))) return false;
    this.#merge = undefined;
    if (merge.mark !== mark) return false;
    this.#merged = mark;
    return this.#finish(mark);
  }

  async #finish(mark: number): Promise<boolean> {
    if (!(await this.#emptyLog())) return false;
    return this.#db.transaction().execute(async (tx) => {
      if ((await markOf(tx)) !== mark) return false;
      await sql`pragma user_version = 0`.execute(tx);
      return true;
    });
  }

  async #pages(): Promise<number> {
    const { rows } = await sql<{ pages: number }>`
      select count(*) as pages from task_search_data`.execute(this.#db);
    return rows[0]?.pages ?? 0;
  }

  /** @returns whether there was something to merge */
  #step(pages: number): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const before = await changesOf(tx);
      await sql`insert into task_search (task_search, rank) values ('merge', ${pages})`.execute(tx);
      return (await changesOf(tx)) - before >= 2;
    });
  }

  /** @returns whether nobody reads from it, so that it is empty now */
  #emptyLog(): Promise<boolean> {
    return this.#db.connection().execute(async (connection) => {
      // A reader of another process is not waited for: this process would stand still.
      await sql`pragma busy_timeout = 0`.execute(connection);
      try {
        const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(
          connection,
        );
        return rows[0]?.busy === 0;
      } finally {
        await sql`pragma busy_timeout = 5000`.execute(connection);
      }
    });
  }
}

async function markOf(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ user_version: number }>`pragma user_version`.execute(db);
  return rows[0]?.user_version ?? 0;
}

async function changesOf(db: Kysely<Schema>): Promise<number> {
  const { rows } = await sql<{ changes: number }>`select total_changes() as changes`.execute(db);
  return rows[0]?.changes ?? 0;
}
