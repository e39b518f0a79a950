import { type Kysely, type Migration, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';

/**
 * The search, filled in for the tasks that are there. On SQLite it goes by a task's `received_us`, which had to
 * become unique in the file for that. Each engine's search has a table of its own kind.
 */
export const textSearch = (engine: Engine): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    if (engine.kind === 'sqlite') {
      await makeArrivalsUnique(db);
      await sql`create unique index tasks_by_arrival on tasks (received_us)`.execute(db);
    }
    await engine.search.create(db, engine.createTable.bind(engine));
    await fillIn(engine, db as Kysely<Schema>);
  },
});

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

async function fillIn(engine: Engine, db: Kysely<Schema>): Promise<void> {
  for (let last = -1; ; ) {
    const part = await db
      .selectFrom('tasks')
      .select(['project_id', 'received_us', 'input', 'output', 'notes'])
      .where('received_us', '>', last)
      .orderBy('received_us')
      .limit(PART)
      .execute();
    const end = part.at(-1);
    if (end === undefined) return;
    await engine.search.add(db, part);
    last = end.received_us;
  }
}
