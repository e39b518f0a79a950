import { type Kysely, type Migration, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema, StatsTable } from '../schema.ts';
import { STORED_BYTES } from '../stats/bytes.ts';
import { noSums } from '../stats/sums.ts';
import { Tally } from '../stats/tally.ts';

/** What deletion and retention need: the ids of what was deleted, and the bytes of what is there. */
export const removal = (engine: Engine): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const removed = db.schema
      .createTable('removed_tasks')
      .addColumn('project_id', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('removed_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('removed_tasks_key', ['project_id', 'id']);
    await engine.createTable(db, 'removed_tasks', removed);
    await db.schema
      .createIndex('removed_tasks_by_time')
      .on('removed_tasks')
      .column('removed_at')
      .execute();
    await db.schema
      .alterTable('task_stats')
      .addColumn('bytes', 'bigint', (column) => column.notNull().defaultTo(0))
      .execute();
    await fillIn(engine, db as Kysely<Schema>);
  },
});

const PART = 5_000;
/** 13 columns a line, and SQLite takes at most 32 766 parameters in a statement. */
const LINES = 500;

/** Reads no texts: a database knows their lengths. */
async function fillIn(engine: Engine, tx: Kysely<Schema>): Promise<void> {
  for (const { id: projectId } of await tx.selectFrom('projects').select('id').execute()) {
    for (let last = [Number.MIN_SAFE_INTEGER, 0]; ; ) {
      const part = await tx
        .selectFrom('tasks')
        .select(['created_at', 'received_us', 'model', 'route', 'version_id'])
        .select(STORED_BYTES.as('bytes'))
        .where('project_id', '=', projectId)
        .where(sql<boolean>`(created_at, received_us) > (${last[0]}, ${last[1]})`)
        .orderBy('created_at')
        .orderBy('received_us')
        .limit(PART)
        .execute();
      await addBytes(engine, tx, projectId, part);
      const end = part.at(-1);
      if (end === undefined) break;
      last = [end.created_at, end.received_us];
    }
  }
}

interface Sized extends Record<'model' | 'route' | 'version_id', string | null> {
  created_at: number;
  bytes: number;
}

async function addBytes(
  engine: Engine,
  tx: Kysely<Schema>,
  projectId: string,
  tasks: readonly Sized[],
): Promise<void> {
  const tally = new Tally();
  for (const { bytes, ...task } of tasks) tally.count({ ...task, ...UNCOUNTED }, bytes);
  const lines = tally.changes.map(
    ({ by, ...line }): StatsTable => ({
      ...{ project_id: projectId, ...line },
      ...{ ...noSums(), latencies: '{}', bytes: by.bytes },
    }),
  );
  for (let start = 0; start < lines.length; start += LINES) {
    await engine.addToStats(tx, lines.slice(start, start + LINES));
  }
}

const UNCOUNTED = {
  flag: null,
  outcome: null,
  latency_ms: null,
  prompt_tokens: null,
  completion_tokens: null,
} as const;
