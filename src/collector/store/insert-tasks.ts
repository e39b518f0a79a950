import type { Transaction } from 'kysely';
import type { Engine } from './engine.ts';
import { type EvalEffect, evalEffect } from './evals.ts';
import { factsOf, nameOf } from './facts.ts';
import { withoutRemoved } from './removal/removed-ids.ts';
import { textOf } from './rows.ts';
import type { Schema, SessionsTable, TasksTable } from './schema.ts';
import { bytesOf } from './stats/bytes.ts';
import { Tally } from './stats/tally.ts';
import { writeStats } from './stats/write-stats.ts';
import { storableJson } from './storable.ts';
import type { NewTask } from './store.ts';

/** 26 columns a row, and SQLite takes at most 32 766 parameters in a statement. */
const ROWS_PER_STATEMENT = 1000;
export const PREVIEW_LENGTH = 200;

/**
 * Stores the tasks whose ids are unknown, creates the sessions they name and the verdicts they bring. Run
 * it in a transaction: a batch is stored whole or not at all.
 *
 * @returns the ids that were unknown; those that were deleted lately count as known
 */
export async function insertTasks(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  tasks: readonly NewTask[],
): Promise<ReadonlySet<string>> {
  const inserted = new Set<string>();
  const arrivals = await engine.arrivals(tx, tasks.length);
  const judged = tasks.map((task, index) => judgedRow(projectId, task, arrivals[index] ?? 0));
  const rows = judged.map(({ row }) => row);
  for (const part of partsOf(inOrderOfIds(rows))) {
    const rows = await tx
      .insertInto('tasks')
      .values(part)
      .onConflict((conflict) => conflict.columns(['project_id', 'id']).doNothing())
      .returning('id')
      .execute();
    for (const { id } of rows) inserted.add(id);
  }
  const stored = await withoutRemoved(tx, projectId, inserted);
  const fresh = rows.filter((row) => stored.has(row.id));
  const evals = judged.flatMap(({ row, effect }) =>
    effect !== undefined && stored.has(row.id) ? [effect.row] : [],
  );
  for (const part of partsOf(evals)) await tx.insertInto('evals').values(part).execute();
  await engine.search.add(tx, fresh);
  await insertSessions(tx, fresh);
  const tally = new Tally();
  for (const row of fresh) tally.count(row, bytesOf(row));
  tally.arrived(fresh.length);
  // Last: a line of the statistics is what writers most often wait for, until this transaction's end.
  await writeStats(engine, tx, projectId, tally);
  return stored;
}

/** In one order, so that two transactions never wait for each other's rows. */
function inOrderOfIds<Row extends { id: string }>(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A task's row with the verdict that it brings, if any. */
function judgedRow(
  projectId: string,
  task: NewTask,
  receivedUs: number,
): { row: TasksTable; effect: EvalEffect | undefined } {
  const row = rowOf(projectId, task, receivedUs);
  if (task.flag === null) return { row, effect: undefined };
  const effect = evalEffect(row, { value: task.flag, source: 'owner', notes: null });
  return { row: { ...row, ...effect.onTask }, effect };
}

/** A task's row before anybody has judged it. */
export function rowOf(projectId: string, task: NewTask, receivedUs: number): TasksTable {
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
    metadata: storableJson(task.metadata),
    data: textOf(task.data),
    flag: null,
    last_eval: null,
    last_eval_source: null,
    human_eval: null,
    notes: null,
    environment: task.environment,
    test_id: task.testId,
    user_id: task.userId === null ? null : nameOf(task.userId),
    version_id: task.versionId === null ? null : nameOf(task.versionId),
    ...factsOf(task.metadata),
  };
}

/** A session that exists keeps what it has; its preview is filled in where it has none. */
export async function insertSessions(
  tx: Transaction<Schema>,
  rows: readonly TasksTable[],
): Promise<void> {
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
  for (const part of partsOf(inOrderOfIds(sessions))) {
    await tx
      .insertInto('sessions')
      .values(part)
      .onConflict((conflict) =>
        conflict
          .columns(['project_id', 'id'])
          .doUpdateSet((eb) => ({ preview: eb.ref('excluded.preview') }))
          .where('sessions.preview', 'is', null),
      )
      .execute();
  }
}

/** The first exchange, as phospho shows it: input -> output. */
export function previewOf({ input, output }: Pick<TasksTable, 'input' | 'output'>): string {
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

function* partsOf<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
    yield rows.slice(start, start + ROWS_PER_STATEMENT);
  }
}
