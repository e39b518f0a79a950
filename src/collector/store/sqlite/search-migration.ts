import { type Kysely, type Migration, sql } from 'kysely';
import type { Schema } from '../schema.ts';
import { addToSearch, createTextSearch } from './text-search.ts';

/** The search of a SQLite file, filled in for the tasks that are there. */
export const textSearch: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await makeArrivalsUnique(db);
    await sql`create unique index tasks_by_arrival on tasks (received_us)`.execute(db);
    await createTextSearch(db);
    await fillIn(db as Kysely<Schema>);
  },
};

/** Two processes that wrote to one file may have used the same microsecond. */
async function makeArrivalsUnique(db: Kysely<unknown>): Promise<void> {
  for (;;) {
    const { numAffectedRows } = await sql`
      update tasks set received_us = received_us + 1 where rowid in (
        select o.rowid from tasks o join tasks e on e.received_us = o.received_us and e.rowid < o.rowid
      )`.execute(db);
    if (!numAffectedRows) return;
  }
}

const PART = 500;

async function fillIn(db: Kysely<Schema>): Promise<void> {
  for (let last = -1; ; ) {
    const part = await db
      .selectFrom('tasks')
      .select(['received_us', 'input', 'output', 'notes'])
      .where('received_us', '>', last)
      .orderBy('received_us')
      .limit(PART)
      .execute();
    const end = part.at(-1);
    if (end === undefined) return;
    await addToSearch(db, part);
    last = end.received_us;
  }
}
