import type { Insertable, Transaction } from 'kysely';
import { receivedNow } from './clock.ts';
import { evalEffect } from './evals.ts';
import { factsOf } from './facts.ts';
import { textOf } from './rows.ts';
import type { EvalsTable, Schema, SessionsTable, TasksTable } from './schema.ts';
import { addToSearch } from './sqlite/text-search.ts';
import { Tally } from './stats/tally.ts';
import { writeStats } from './stats/write-stats.ts';
import type { NewTask } from './store.ts';

/** 26 columns a row, and SQLite takes at most 32 766 parameters in a statement. */
const ROWS_PER_STATEMENT = 1000;
const PREVIEW_LENGTH = 200;

/**
 * Stores the tasks whose ids are unknown, creates the sessions they name and the verdicts they bring. Run
 * it in a transaction: a batch is stored whole or not at all.
 *
 * @returns the ids that were unknown
 */
export async function insertTasks(
  tx: Transaction<Schema>,
  projectId: string,
  tasks: readonly NewTask[],
): Promise<ReadonlySet<string>> {
  const stored = new Set<string>();
  const newest = await newestArrival(tx);
  const rows = tasks.map((task) => rowOf(projectId, task, receivedNow(newest)));
  for (const part of partsOf(rows)) {
    const inserted = await tx
      .insertInto('tasks')
      .values(part)
      .onConflict((conflict) => conflict.columns(['project_id', 'id']).doNothing())
      .returning('id')
      .execute();
    for (const { id } of inserted) stored.add(id);
  }
  const fresh = rows.filter((row) => stored.has(row.id));
  await insertSessions(tx, fresh);
  const flags = await insertVerdicts(tx, fresh, tasks);
  const tally = new Tally();
  for (const row of fresh) tally.count({ ...row, flag: flags.get(row.id) ?? null });
  await writeStats(tx, projectId, tally);
  await addToSearch(tx, fresh);
  return stored;
}

/** Another process that writes to the same file may be ahead of our clock. */
async function newestArrival(tx: Transaction<Schema>): Promise<number> {
  const row = await tx
    .selectFrom('tasks')
    .select((eb) => eb.fn.max('received_us').as('newest'))
    .executeTakeFirst();
  return row?.newest ?? 0;
}

function rowOf(projectId: string, task: NewTask, receivedUs: number): TasksTable {
  return {
    project_id: projectId,
    id: task.id,
    session_id: task.sessionId,
    created_at: task.createdAt,
    received_us: receivedUs,
    input: task.input,
    output: task.output,
    additional_input: textOf(task.additionalInput),
    additional_output: textOf(task.additionalOutput),
    metadata: JSON.stringify(task.metadata),
    data: textOf(task.data),
    flag: null,
    last_eval: null,
    last_eval_source: null,
    human_eval: null,
    notes: null,
    environment: task.environment,
    test_id: task.testId,
    user_id: task.userId,
    version_id: task.versionId,
    ...factsOf(task.metadata),
  };
}

/** A session that exists keeps what it has; its preview is filled in where it has none. */
async function insertSessions(tx: Transaction<Schema>, rows: readonly TasksTable[]): Promise<void> {
  const first = new Map<string, TasksTable>();
  for (const row of rows) {
    if (row.session_id === null) continue;
    const known = first.get(row.session_id);
    if (known === undefined || row.created_at < known.created_at) first.set(row.session_id, row);
  }
  const sessions = [...first].map(
    ([id, row]): SessionsTable => ({
      project_id: row.project_id,
      id,
      created_at: row.created_at,
      received_us: row.received_us,
      metadata: null,
      data: null,
      notes: null,
      preview: previewOf(row),
      environment: row.environment,
    }),
  );
  for (const part of partsOf(sessions)) {
    await tx
      .insertInto('sessions')
      .values(part)
      .onConflict((conflict) =>
        conflict.columns(['project_id', 'id']).doUpdateSet((eb) => ({
          preview: eb.fn.coalesce('sessions.preview', 'excluded.preview'),
        })),
      )
      .execute();
  }
}

/** The first exchange, as phospho shows it: input -> output. */
function previewOf({ input, output }: Pick<TasksTable, 'input' | 'output'>): string {
  const side = PREVIEW_LENGTH / 2;
  return output === null
    ? shorten(input, PREVIEW_LENGTH)
    : `${shorten(input, side)} -> ${shorten(output, side)}`;
}

function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  // A cut between the halves of a surrogate pair would leave half a character.
  return `${text.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

async function insertVerdicts(
  tx: Transaction<Schema>,
  rows: readonly TasksTable[],
  tasks: readonly NewTask[],
): Promise<ReadonlyMap<string, NewTask['flag']>> {
  const flags = new Map(tasks.map((task) => [task.id, task.flag]));
  const evals: Insertable<EvalsTable>[] = [];
  for (const row of rows) {
    const value = flags.get(row.id);
    if (value === undefined || value === null) continue;
    const effect = evalEffect(row, { value, source: 'owner', notes: null });
    evals.push(effect.row);
    await tx
      .updateTable('tasks')
      .set(effect.onTask)
      .where('project_id', '=', row.project_id)
      .where('id', '=', row.id)
      .execute();
  }
  for (const part of partsOf(evals)) await tx.insertInto('evals').values(part).execute();
  return flags;
}

function* partsOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    yield rows.slice(start, start + ROWS_PER_STATEMENT);
  }
}
