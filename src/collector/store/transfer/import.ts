import type { Transaction } from 'kysely';
import type { Engine } from '../engine.ts';
import { factsOf } from '../facts.ts';
import { insertSessions } from '../insert-tasks.ts';
import type { Schema, TasksTable } from '../schema.ts';
import { bytesOf } from '../stats/bytes.ts';
import { Tally } from '../stats/tally.ts';
import { writeStats } from '../stats/write-stats.ts';
import type { Arrived, Arriving } from '../store.ts';
import { freeArrivals } from './arrivals.ts';
import { type RecordKind, TABLES } from './columns.ts';

/** 26 columns a row at most, and SQLite takes 32 766 parameters in a statement. */
const ROWS_PER_STATEMENT = 1_000;

/**
 * Stores what is not there yet, with the figures and words of its tasks, in one transaction. What is there stays as it
 * is. An import is a deliberate act, so it brings back what was deleted.
 */
export async function importRows(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  given: readonly Arriving[],
): Promise<Arrived> {
  const of = <Kind extends RecordKind>(kind: Kind) =>
    given.filter((one): one is Extract<Arriving, { kind: Kind }> => one.kind === kind);
  const stored: Arrived['stored'] = { session: 0, task: 0, eval: 0, test: 0, comparison: 0 };
  for (const kind of ['session', 'test', 'comparison'] as const) {
    const rows = of(kind).map(({ row }) => ({ ...row, project_id: projectId }));
    stored[kind] = (await insert(tx, kind, rows)).size;
  }
  const tasks = of('task').map(({ row }) => taskOf(projectId, row));
  stored.task = await insertTasks(engine, tx, projectId, tasks);
  const evals = of('eval').map(({ row }) => ({ ...row, project_id: projectId }));
  const known = await knownTasks(
    engine,
    tx,
    projectId,
    evals.map(({ task_id }) => task_id),
  );
  stored.eval = (
    await insert(
      tx,
      'eval',
      evals.filter(({ task_id }) => known.has(task_id)),
    )
  ).size;
  const orphans = given.filter((one) => one.kind === 'eval' && !known.has(one.row.task_id));
  return { stored, orphans };
}

function taskOf(projectId: string, row: Extract<Arriving, { kind: 'task' }>['row']): TasksTable {
  return { ...row, project_id: projectId, ...factsOf(JSON.parse(row.metadata)) };
}

/** @returns the ids that were not there */
async function insert(
  tx: Transaction<Schema>,
  kind: RecordKind,
  rows: readonly { id: string }[],
): Promise<ReadonlySet<string>> {
  const fresh = new Set<string>();
  // In one order, so that two transactions never wait for each other's rows.
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (let start = 0; start < sorted.length; start += ROWS_PER_STATEMENT) {
    const inserted = await tx
      .insertInto(TABLES[kind] as 'tests')
      .values(sorted.slice(start, start + ROWS_PER_STATEMENT) as never)
      .onConflict((conflict) => conflict.columns(['project_id', 'id']).doNothing())
      .returning('id')
      .execute();
    for (const { id } of inserted) fresh.add(id);
  }
  return fresh;
}

async function insertTasks(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  given: readonly TasksTable[],
): Promise<number> {
  if (given.length === 0) return 0;
  // Of an id that comes twice the first wins.
  const unique = [...new Map(given.toReversed().map((row) => [row.id, row])).values()].reverse();
  const rows = await freeArrivals(engine, tx, projectId, unique);
  const ids = await insert(tx, 'task', rows);
  const fresh = rows.filter(({ id }) => ids.has(id));
  if (fresh.length === 0) return 0;
  await tx
    .deleteFrom('removed_tasks')
    .where('project_id', '=', projectId)
    .where('id', 'in', [...ids])
    .execute();
  await engine.search.add(tx, fresh);
  await insertSessions(tx, fresh);
  const tally = new Tally();
  for (const row of fresh) tally.count(row, bytesOf(row));
  await writeStats(engine, tx, projectId, tally);
  return fresh.length;
}

/** They stay until the transaction ends: a verdict needs its task. */
async function knownTasks(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (let start = 0; start < ids.length; start += ROWS_PER_STATEMENT) {
    const query = tx
      .selectFrom('tasks')
      .select('id')
      .where('project_id', '=', projectId)
      .where('id', 'in', ids.slice(start, start + ROWS_PER_STATEMENT))
      .orderBy('id');
    for (const { id } of await engine.locked(query).execute()) known.add(id);
  }
  return known;
}
