import type { CreateTableBuilder, Kysely, Migration } from 'kysely';
import type { Engine, NewTable } from '../engine.ts';

/** The same on both engines, save that PostgreSQL may cut a project's tables into partitions. */
export const initial = (engine: Pick<Engine, 'createTable'>): Migration => ({
  async up(db: Kysely<unknown>): Promise<void> {
    const create = (name: string, table: NewTable) => engine.createTable(db, name, table);
    await createProjects(db, create);
    await createSessions(db, create);
    await createTasks(db, create);
    await createEvals(db, create);
    await createTests(db, create);
  },
});

type Create = (name: string, table: NewTable) => Promise<void>;

async function createProjects(db: Kysely<unknown>, create: Create): Promise<void> {
  await db.schema
    .createTable('projects')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project_name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await create(
    'api_keys',
    ofProject(db.schema.createTable('api_keys'), 'api_keys', 'hash')
      .addColumn('last4', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull()),
  );
  // A request brings only a key: its project is looked up by the hash.
  await db.schema.createIndex('api_keys_by_hash').on('api_keys').column('hash').execute();
}

async function createSessions(db: Kysely<unknown>, create: Create): Promise<void> {
  await create(
    'sessions',
    ofProject(db.schema.createTable('sessions'), 'sessions', 'id')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('received_us', 'bigint', (column) => column.notNull())
      .addColumn('metadata', 'text')
      .addColumn('data', 'text')
      .addColumn('notes', 'text')
      .addColumn('preview', 'text')
      .addColumn('environment', 'text', (column) => column.notNull()),
  );
  await db.schema
    .createIndex('sessions_by_time')
    .on('sessions')
    .columns(['project_id', 'created_at', 'received_us'])
    .execute();
}

async function createTasks(db: Kysely<unknown>, create: Create): Promise<void> {
  await create(
    'tasks',
    ofProject(db.schema.createTable('tasks'), 'tasks', 'id')
      .addColumn('session_id', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('received_us', 'bigint', (column) => column.notNull())
      .addColumn('input', 'text', (column) => column.notNull())
      .addColumn('output', 'text')
      .addColumn('additional_input', 'text')
      .addColumn('additional_output', 'text')
      .addColumn('metadata', 'text', (column) => column.notNull())
      .addColumn('data', 'text')
      .addColumn('flag', 'text')
      .addColumn('last_eval', 'text')
      .addColumn('last_eval_source', 'text')
      .addColumn('human_eval', 'text')
      .addColumn('notes', 'text')
      .addColumn('environment', 'text', (column) => column.notNull())
      .addColumn('test_id', 'text')
      .addColumn('user_id', 'text')
      .addColumn('version_id', 'text'),
  );
  await db.schema
    .createIndex('tasks_by_time')
    .on('tasks')
    .columns(['project_id', 'created_at', 'received_us'])
    .execute();
  await db.schema
    .createIndex('tasks_by_session')
    .on('tasks')
    .columns(['project_id', 'session_id', 'created_at', 'received_us'])
    .execute();
}

async function createEvals(db: Kysely<unknown>, create: Create): Promise<void> {
  await create(
    'evals',
    ofProject(db.schema.createTable('evals'), 'evals', 'id')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('received_us', 'bigint', (column) => column.notNull())
      .addColumn('session_id', 'text')
      .addColumn('task_id', 'text', (column) => column.notNull())
      .addColumn('value', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('test_id', 'text')
      .addColumn('notes', 'text')
      .addForeignKeyConstraint('evals_task', ['project_id', 'task_id'], 'tasks', [
        'project_id',
        'id',
      ]),
  );
  await db.schema
    .createIndex('evals_by_task')
    .on('evals')
    .columns(['project_id', 'task_id'])
    .execute();
  await db.schema
    .createIndex('evals_by_test')
    .on('evals')
    .columns(['project_id', 'test_id'])
    .execute();
}

async function createTests(db: Kysely<unknown>, create: Create): Promise<void> {
  await create(
    'tests',
    ofProject(db.schema.createTable('tests'), 'tests', 'id')
      .addColumn('created_by', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('last_updated_at', 'bigint', (column) => column.notNull())
      .addColumn('terminated_at', 'bigint')
      .addColumn('status', 'text', (column) => column.notNull())
      .addColumn('summary', 'text', (column) => column.notNull()),
  );
  await create(
    'comparisons',
    ofProject(db.schema.createTable('comparisons'), 'comparisons', 'id')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('test_id', 'text')
      .addColumn('instructions', 'text')
      .addColumn('context_input', 'text', (column) => column.notNull())
      .addColumn('old_output', 'text', (column) => column.notNull())
      .addColumn('new_output', 'text', (column) => column.notNull())
      .addColumn('comparison_result', 'text', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull()),
  );
  await db.schema
    .createIndex('comparisons_by_test')
    .on('comparisons')
    .columns(['project_id', 'test_id'])
    .execute();
}

/** Columns and keys that every table of a project has: ids are unique per project. */
function ofProject<Name extends string, Id extends 'id' | 'hash'>(
  table: CreateTableBuilder<Name, never>,
  name: Name,
  id: Id,
): CreateTableBuilder<Name, 'project_id' | Id> {
  return (table as CreateTableBuilder<Name, 'project_id' | Id>)
    .addColumn('project_id', 'text', (column) => column.notNull().references('projects.id'))
    .addColumn(id, 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint(`${name}_key`, ['project_id', id]);
}
