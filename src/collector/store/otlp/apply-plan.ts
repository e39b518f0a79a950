import type { Selectable, Transaction } from 'kysely';
import type { JsonObject, Step } from '../../../types.ts';
import type { Engine } from '../engine.ts';
import { factsOf } from '../facts.ts';
import { insertSessions, insertTasks, rowOf } from '../insert-tasks.ts';
import { tidySessions } from '../removal/left-sessions.ts';
import type { Schema, TasksTable } from '../schema.ts';
import { bytesOf } from '../stats/bytes.ts';
import { Tally } from '../stats/tally.ts';
import { writeStats } from '../stats/write-stats.ts';
import type { NewTask, TracePlan } from '../store.ts';

type TaskRow = Selectable<TasksTable>;

/** The tasks that were made of a trace alone: by id, the keys of their metadata that are the trace's. */
export type Made = Readonly<Record<string, readonly string[]>>;

export interface Applied {
  /** Ids that are new. */
  stored: ReadonlySet<string>;
  made: Made;
  /** Whether a task has not come that steps are for. */
  isAwaiting: boolean;
  hasChanged: boolean;
}

/**
 * Stores what a trace amounts to by now. Of the tasks that were made of it before, those that are still told are
 * brought up to date, and those that have become steps of others go, unless somebody has judged them. A task that
 * came by another way keeps all that it has; it is given the steps that it lacks.
 *
 * @param made - what was made of this trace's spans before
 */
export async function applyPlan(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  plan: TracePlan,
  made: Made,
): Promise<Applied> {
  const before = new Map(Object.entries(made));
  const ids = [
    ...before.keys(),
    ...plan.tasks.map(({ id }) => id),
    ...plan.additions.map((a) => a.taskId),
  ];
  const known = await rowsOf(engine, tx, projectId, ids);
  const tally = new Tally();
  const left: string[] = [];
  const fresh = plan.tasks.filter(({ id }) => !known.has(id) && !before.has(id));
  for (const task of plan.tasks) {
    const row = known.get(task.id);
    if (row === undefined) continue;
    const ownKeys = before.get(task.id);
    if (ownKeys === undefined) {
      await addSteps(tx, row, (task.metadata.steps ?? []) as Step[], tally);
      continue;
    }
    await replace(engine, tx, row, task, ownKeys, tally);
    if (row.session_id !== null && row.session_id !== task.sessionId) left.push(row.session_id);
  }
  for (const { taskId, steps } of plan.additions) {
    const row = known.get(taskId);
    if (row !== undefined) await addSteps(tx, row, steps, tally);
  }
  const told = new Set(plan.tasks.map(({ id }) => id));
  const gone = [...before.keys()].flatMap((id) => (told.has(id) ? [] : (known.get(id) ?? [])));
  for (const row of gone.filter(isUntouched)) {
    await remove(engine, tx, row, tally);
    if (row.session_id !== null) left.push(row.session_id);
  }
  await writeStats(engine, tx, projectId, tally);
  const stored = await insertTasks(engine, tx, projectId, fresh);
  // Their previews may be of what has left them.
  await tidySessions(engine, tx, projectId, left, true);
  return {
    stored,
    made: Object.fromEntries(
      plan.tasks
        .filter(({ id }) => before.has(id) || stored.has(id))
        .map(({ id, metadata }) => [id, Object.keys(metadata)]),
    ),
    isAwaiting: plan.additions.some(({ taskId }) => !known.has(taskId)),
    hasChanged: stored.size > 0 || tally.changes.length > 0,
  };
}

async function rowsOf(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<Map<string, TaskRow>> {
  if (ids.length === 0) return new Map();
  const query = tx
    .selectFrom('tasks')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', 'in', [...new Set(ids)])
    .orderBy('id');
  // What is taken back of the statistics below is what the row has until then.
  const rows = await engine.locked(query).execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** What people have said of it stays, and what they have put into its metadata. */
async function replace(
  engine: Engine,
  tx: Transaction<Schema>,
  row: TaskRow,
  task: NewTask,
  ownKeys: readonly string[],
  tally: Tally,
): Promise<void> {
  const present = Object.entries(JSON.parse(row.metadata) as JsonObject);
  const others = present.filter(([key]) => !ownKeys.includes(key));
  const metadata = { ...Object.fromEntries(others), ...task.metadata };
  const next: TasksTable = {
    ...rowOf(row.project_id, { ...task, metadata }, row.received_us),
    ...{ flag: row.flag, last_eval: row.last_eval, last_eval_source: row.last_eval_source },
    ...{ human_eval: row.human_eval, notes: row.notes, data: row.data },
  };
  await update(tx, row, next, tally);
  await insertSessions(tx, [next]);
  await engine.search.replace(tx, next);
}

async function addSteps(
  tx: Transaction<Schema>,
  row: TaskRow,
  steps: readonly Step[],
  tally: Tally,
): Promise<void> {
  const metadata = JSON.parse(row.metadata) as JsonObject;
  const present = Array.isArray(metadata.steps) ? (metadata.steps as Step[]) : [];
  const fresh = new Map(steps.map((step) => [step.step_id, step]));
  const known = new Set(present.map((step) => step?.step_id));
  const all = [
    // Its steps within may have come since.
    ...present.map((step) => fresh.get(step?.step_id) ?? step),
    ...steps.filter(({ step_id }) => !known.has(step_id)),
  ];
  if (JSON.stringify(all) === JSON.stringify(present)) return;
  const next = { ...metadata, steps: all };
  await update(tx, row, { ...row, metadata: JSON.stringify(next), ...factsOf(next) }, tally);
}

async function update(
  tx: Transaction<Schema>,
  row: TaskRow,
  next: TasksTable,
  tally: Tally,
): Promise<void> {
  const { project_id, id, ...set } = next;
  await tx
    .updateTable('tasks')
    .set(set)
    .where('project_id', '=', project_id)
    .where('id', '=', id)
    .execute();
  tally.count(row, bytesOf(row), -1);
  tally.count(next, bytesOf(next));
}

function isUntouched({ flag, notes }: TaskRow): boolean {
  return flag === null && (notes ?? '') === '';
}

async function remove(
  engine: Engine,
  tx: Transaction<Schema>,
  row: TaskRow,
  tally: Tally,
): Promise<void> {
  await tx
    .deleteFrom('tasks')
    .where('project_id', '=', row.project_id)
    .where('id', '=', row.id)
    .execute();
  await engine.search.remove(tx, [row]);
  tally.count(row, bytesOf(row), -1);
}
