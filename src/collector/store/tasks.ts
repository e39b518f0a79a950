import type { Kysely, Selectable, Transaction } from 'kysely';
import type { TaskContent } from '../../types.ts';
import type { Engine } from './engine.ts';
import { evalEffect } from './evals.ts';
import { factsOf, nameOf } from './facts.ts';
import { taskConditions } from './filters.ts';
import { insertTasks } from './insert-tasks.ts';
import { type Place, taskOf, textOf } from './rows.ts';
import type { Schema, TasksTable } from './schema.ts';
import { bytesOf } from './stats/bytes.ts';
import { readArrived } from './stats/read-stats.ts';
import { Tally } from './stats/tally.ts';
import { writeStats } from './stats/write-stats.ts';
import { storableJson } from './storable.ts';
import type { Listing, NewTask, TaskChange, TaskStore } from './store.ts';

type TaskRow = Selectable<TasksTable>;

export class KyselyTasks implements TaskStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;
  readonly #onChange: (projectId: string) => void;

  constructor(engine: Engine, onChange: (projectId: string) => void) {
    this.#engine = engine;
    this.#db = engine.db;
    this.#onChange = onChange;
  }

  async add(projectId: string, tasks: readonly NewTask[]): Promise<ReadonlySet<string>> {
    if (tasks.length === 0) return new Set();
    const stored = await this.#engine.transaction((tx) =>
      insertTasks(this.#engine, tx, projectId, tasks),
    );
    if (stored.size > 0) this.#onChange(projectId);
    return stored;
  }

  async find(projectId: string, taskId: string): Promise<TaskContent | undefined> {
    const row = await tasksQuery(this.#db, projectId, [taskId]).executeTakeFirst();
    return row && (await this.#placed(projectId, [row]))[0];
  }

  async known(projectId: string, taskIds: readonly string[]): Promise<string[]> {
    if (taskIds.length === 0) return [];
    const rows = await this.#db
      .selectFrom('tasks')
      .select('id')
      .where('project_id', '=', projectId)
      .where('id', 'in', taskIds)
      .execute();
    return rows.map(({ id }) => id);
  }

  arrivedOn(projectId: string, dayStart: number): Promise<number> {
    return readArrived(this.#db, projectId, dayStart);
  }

  async list(projectId: string, { filters, limit }: Listing): Promise<TaskContent[]> {
    const rows = await this.#db
      .selectFrom('tasks as t')
      .selectAll('t')
      .where('t.project_id', '=', projectId)
      .where((eb) => eb.and(taskConditions(this.#engine, eb, filters)))
      .orderBy('t.created_at', 'desc')
      .orderBy('t.received_us', 'desc')
      .limit(limit)
      .execute();
    return this.#placed(projectId, rows);
  }

  async change(
    projectId: string,
    taskId: string,
    change: TaskChange,
  ): Promise<TaskContent | undefined> {
    const row = await this.#engine.transaction(async (tx) => {
      const query = tasksQuery(tx, projectId, [taskId]);
      const found = await this.#engine.locked(query).executeTakeFirst();
      if (found === undefined) return undefined;
      const tally = new Tally();
      await applyChange(this.#engine, tx, found, change, tally);
      await writeStats(this.#engine, tx, projectId, tally);
      return query.executeTakeFirst();
    });
    if (row !== undefined) this.#onChange(projectId);
    return row && (await this.#placed(projectId, [row]))[0];
  }

  async changeMany(projectId: string, changes: ReadonlyMap<string, TaskChange>): Promise<string[]> {
    const unknown = await this.#engine.transaction(async (tx) => {
      const query = tasksQuery(tx, projectId, [...changes.keys()]);
      // In one order, so that two transactions never wait for each other's rows.
      const rows = await this.#engine.locked(query.orderBy('id')).execute();
      const known = new Map(rows.map((row) => [row.id, row]));
      const unknown = [...changes.keys()].filter((id) => !known.has(id));
      if (unknown.length > 0) return unknown;
      const tally = new Tally();
      for (const [id, given] of changes) {
        const row = known.get(id);
        if (row === undefined) continue;
        const change = withoutRepeatedVerdict(row, given);
        await applyChange(this.#engine, tx, row, change, tally);
      }
      await writeStats(this.#engine, tx, projectId, tally);
      return [];
    });
    if (unknown.length === 0) this.#onChange(projectId);
    return unknown;
  }

  /** Counts each task's place within its session, for the sessions of these rows only. */
  async #placed(projectId: string, rows: readonly TaskRow[]): Promise<TaskContent[]> {
    const sessions = [...new Set(rows.map((row) => row.session_id).filter((id) => id !== null))];
    const places = new Map<string, Place>();
    if (sessions.length > 0) {
      const counted = await this.#db
        .selectFrom(placesIn(this.#db, projectId, sessions).as('p'))
        .selectAll()
        .where(
          'p.id',
          'in',
          rows.map((row) => row.id),
        )
        .execute();
      for (const { id, ...place } of counted) places.set(id, place);
    }
    return rows.map((row) => taskOf(row, places.get(row.id)));
  }
}

function placesIn(db: Kysely<Schema>, projectId: string, sessions: readonly string[]) {
  return db
    .selectFrom('tasks')
    .where('project_id', '=', projectId)
    .where('session_id', 'in', sessions)
    .select((eb) => [
      'id',
      eb.fn
        .agg<number>('row_number')
        .over((over) => over.partitionBy('session_id').orderBy('created_at').orderBy('received_us'))
        .as('position'),
      eb.fn
        .countAll<number>()
        .over((over) => over.partitionBy('session_id'))
        .as('length'),
    ]);
}

function tasksQuery(db: Kysely<Schema>, projectId: string, taskIds: readonly string[]) {
  return db
    .selectFrom('tasks')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', 'in', taskIds);
}

/** Writes the change, and what it means for the statistics into the tally. */
async function applyChange(
  engine: Engine,
  tx: Transaction<Schema>,
  row: TaskRow,
  change: TaskChange,
  tally: Tally,
): Promise<void> {
  const { metadata, data, notes, verdict } = change;
  const effect = verdict && evalEffect(row, verdict);
  if (effect !== undefined) await tx.insertInto('evals').values(effect.row).execute();
  const set: Partial<TaskRow> = {
    ...(metadata && {
      metadata: storableJson(metadata),
      user_id: textIn(metadata.user_id),
      version_id: textIn(metadata.version_id),
      ...factsOf(metadata),
    }),
    ...(data && { data: textOf(data) }),
    ...effect?.onTask,
    ...(notes === undefined ? {} : { notes }),
  };
  if (Object.keys(set).length === 0) return;
  await tx
    .updateTable('tasks')
    .set(set)
    .where('project_id', '=', row.project_id)
    .where('id', '=', row.id)
    .execute();
  if (set.notes !== undefined) await engine.search.replace(tx, { ...row, ...set });
  const next = { ...row, ...set };
  tally.count(row, bytesOf(row), -1);
  tally.count(next, bytesOf(next));
}

/** A caller that reads all flat tasks, changes some and sends all back gives no new verdict on the others. */
function withoutRepeatedVerdict(row: TaskRow, change: TaskChange): TaskChange {
  const repeated =
    change.verdict?.value === row.flag && change.verdict?.source === row.last_eval_source;
  return repeated ? { ...change, verdict: undefined } : change;
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' ? nameOf(value) : null;
}
