import { type Kysely, type Migration, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { factsOf } from '../facts.ts';
import type { Schema, StatsTable } from '../schema.ts';
import { Tally } from '../stats/tally.ts';
import { writeStats } from '../stats/write-stats.ts';

/** What the dashboard's lists and figures need, filled in for the tasks that are there. */
export const dashboard = (engine: Engine): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    await addFacts(db);
    await createStats(engine, db);
    await db.schema
      .createTable('logins')
      .addColumn('hash', 'text', (column) => column.primaryKey())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute();
    await fillIn(engine, db as Kysely<Schema>);
    await createIndexes(db);
  },
});

async function addFacts(db: Kysely<unknown>): Promise<void> {
  for (const name of ['model', 'route', 'outcome'])
    await db.schema.alterTable('tasks').addColumn(name, 'text').execute();
  for (const name of ['latency_ms', 'prompt_tokens', 'completion_tokens'])
    await db.schema.alterTable('tasks').addColumn(name, 'bigint').execute();
}

async function createStats(engine: Engine, db: Kysely<unknown>): Promise<void> {
  const table = db.schema
    .createTable('task_stats')
    .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
    .addColumn('dimension', 'text', (column) => column.notNull())
    .addColumn('grain', 'integer', (column) => column.notNull())
    .addColumn('start', 'bigint', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('tasks', 'bigint', (column) => column.notNull())
    .addColumn('success', 'bigint', (column) => column.notNull())
    .addColumn('failure', 'bigint', (column) => column.notNull())
    .addColumn('errors', 'bigint', (column) => column.notNull())
    .addColumn('prompt_tokens', 'bigint', (column) => column.notNull())
    .addColumn('completion_tokens', 'bigint', (column) => column.notNull())
    .addColumn('latencies', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('task_stats_key', [
      'project_id',
      'dimension',
      'grain',
      'start',
      'name',
    ]);
  await engine.createTable(db, 'task_stats', table);
}

/**
 * `tasks_by_time` grows by the columns that lists filter by: those that do not match are passed over without
 * opening their rows. A user's tasks are few, so they have an index of their own; so have judged tasks.
 */
async function createIndexes(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('tasks_by_time').execute();
  await db.schema
    .createIndex('tasks_by_time')
    .on('tasks')
    .columns(['project_id', 'created_at', 'received_us', 'flag', 'route', 'model', 'version_id'])
    .execute();
  for (const column of ['user_id', 'flag']) {
    await db.schema
      .createIndex(`tasks_by_${column}`)
      .on('tasks')
      .columns(['project_id', column, 'created_at', 'received_us'])
      .where(sql.ref(column), 'is not', null)
      .execute();
  }
}

const PART = 500;

/** They are counted from 0013 on. */
function withoutBytes(engine: Engine): Pick<Engine, 'addToStats'> {
  const strip = ({ bytes: _, ...line }: StatsTable) => line as StatsTable;
  return { addToStats: (tx, lines) => engine.addToStats(tx, lines.map(strip)) };
}

async function fillIn(engine: Engine, tx: Kysely<Schema>): Promise<void> {
  for (const { id: projectId } of await tx.selectFrom('projects').select('id').execute()) {
    for (let last = ''; ; ) {
      const part = await tx
        .selectFrom('tasks')
        .select(['id', 'created_at', 'flag', 'version_id', 'metadata'])
        .where('project_id', '=', projectId)
        .where('id', '>', last)
        .orderBy('id')
        .limit(PART)
        .execute();
      const tally = new Tally();
      for (const { metadata, ...task } of part) {
        const facts = factsOf(JSON.parse(metadata));
        await tx
          .updateTable('tasks')
          .set(facts)
          .where('project_id', '=', projectId)
          .where('id', '=', task.id)
          .execute();
        tally.count({ ...task, ...facts }, 0);
      }
      await writeStats(withoutBytes(engine), tx, projectId, tally);
      const end = part.at(-1);
      if (end === undefined) break;
      last = end.id;
    }
  }
}
