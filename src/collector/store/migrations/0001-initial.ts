import type { CreateTableBuilder, Kysely, Migration } from 'kysely';

export const initial: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await createProjects(db);
    await createSessions(db);
    await createTasks(db);
    await createEvals(db);
    await createTests(db);
  },
};

async function createProjects(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('projects')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('project_name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await ofProject(db.schema.createTable('api_keys'), 'api_keys', 'hash')
    .addColumn('last4', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  // A request brings only a key: its project is looked up by the hash.
  await db.schema.createIndex('api_keys_by_hash').on('api_keys').column('hash').execute();
}

async function createSessions(db: Kysely<unknown>): Promise<void> {
  await ofProject(db.schema.createTable('sessions'), 'sessions', 'id')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('received_us', 'bigint', (column) => column.notNull())
    .addColumn('metadata', 'text')
    .addColumn('data', 'text')
    .addColumn('notes', 'text')
    .addColumn('preview', 'text')
    .addColumn('environment', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex('sessions_by_time')
    .on('sessions')
    .columns(['project_id', 'created_at', 'received_us'])
    .execute();
}

async function createTasks(db: Kysely<unknown>): Promise<void> {
  await ofProject(db.schema.createTable('tasks'), 'tasks', 'id')
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
    .addColumn('version_id', 'text')
    .execute();
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

async function createEvals(db: Kysely<unknown>): Promise<void> {
  await ofProject(db.schema.createTable('evals'), 'evals', 'id')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('received_us', 'bigint', (column) => column.notNull())
    .addColumn('session_id', 'text')
    .addColumn('task_id', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .addColumn('test_id', 'text')
    .addColumn('notes', 'text')
    .addForeignKeyConstraint('evals_task', ['project_id', 'task_id'], 'tasks', ['project_id', 'id'])
    .execute();
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

async function createTests(db: Kysely<unknown>): Promise<void> {
  await ofProject(db.schema.createTable('tests'), 'tests', 'id')
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_updated_at', 'bigint', (column) => column.notNull())
    .addColumn('terminated_at', 'bigint')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('summary', 'text', (column) => column.notNull())
    .execute();
  await ofProject(db.schema.createTable('comparisons'), 'comparisons', 'id')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('test_id', 'text')
    .addColumn('instructions', 'text')
    .addColumn('context_input', 'text', (column) => column.notNull())
    .addColumn('old_output', 'text', (column) => column.notNull())
    .addColumn('new_output', 'text', (column) => column.notNull())
    .addColumn('comparison_result', 'text', (column) => column.notNull())
    .addColumn('source', 'text', (column) => column.notNull())
    .execute();
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
