import type { Kysely, Selectable, Transaction } from 'kysely';
import type { TaskContent } from '../../types.ts';
import { evalEffect } from './evals.ts';
import { factsOf } from './facts.ts';
import { taskConditions } from './filters.ts';
import { insertTasks } from './insert-tasks.ts';
import { type Place, taskOf, textOf } from './rows.ts';
import type { Schema, TasksTable } from './schema.ts';
import { replaceInSearch } from './sqlite/text-search.ts';
import { Tally } from './stats/tally.ts';
import { writeStats } from './stats/write-stats.ts';
import type { Listing, NewTask, TaskChange, TaskStore } from './store.ts';

type TaskRow = Selectable<TasksTable>;

export class KyselyTasks implements TaskStore {
  readonly #db: Kysely<Schema>;
  readonly #onChange: (projectId: string) => void;

  constructor(db: Kysely<Schema>, onChange: (projectId: string) => void) {
    this.#db = db;
    this.#onChange = onChange;
  }

  async add(projectId: string, tasks: readonly NewTask[]): Promise<ReadonlySet<string>> {
    if (tasks.length === 0) return new Set();
    const stored = await this.#db.transaction().execute((tx) => insertTasks(tx, projectId, tasks));
    if (stored.size > 0) this.#onChange(projectId);
    return stored;
  }

  async find(projectId: string, taskId: string): Promise<TaskContent | undefined> {
    const row = await taskRow(this.#db, projectId, taskId);
    return row && (await this.#placed(projectId, [row]))[0];
  }

  async list(projectId: string, { filters, limit }: Listing): Promise<TaskContent[]> {
    const rows = await this.#db
      .selectFrom('tasks as t')
      .selectAll('t')
      .where('t.project_id', '=', projectId)
      .where((eb) => eb.and(taskConditions(eb, filters)))
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
    const row = await this.#db.transaction().execute(async (tx) => {
      const found = await taskRow(tx, projectId, taskId);
      if (found !== undefined) await applyChange(tx, found, change);
      return found && taskRow(tx, projectId, taskId);
    });
    if (row !== undefined) this.#onChange(projectId);
    return row && (await this.#placed(projectId, [row]))[0];
  }

  async changeMany(projectId: string, changes: ReadonlyMap<string, TaskChange>): Promise<string[]> {
    const unknown = await this.#db.transaction().execute(async (tx) => {
      const rows = await tx
        .selectFrom('tasks')
        .selectAll()
        .where('project_id', '=', projectId)
        .where('id', 'in', [...changes.keys()])
        .execute();
      const known = new Map(rows.map((row) => [row.id, row]));
      const unknown = [...changes.keys()].filter((id) => !known.has(id));
      if (unknown.length > 0) return unknown;
      for (const [id, change] of changes) {
        const row = known.get(id);
        if (row !== undefined) await applyChange(tx, row, withoutRepeatedVerdict(row, change));
      }
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

function taskRow(
  db: Kysely<Schema>,
  projectId: string,
  taskId: string,
): Promise<TaskRow | undefined> {
  return db
    .selectFrom('tasks')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', taskId)
    .executeTakeFirst();
}

async function applyChange(
  tx: Transaction<Schema>,
  row: TaskRow,
  change: TaskChange,
): Promise<void> {
  const { metadata, data, notes, verdict } = change;
  const effect = verdict && evalEffect(row, verdict);
  if (effect !== undefined) await tx.insertInto('evals').values(effect.row).execute();
  const set: Partial<TaskRow> = {
    ...(metadata && {
      metadata: JSON.stringify(metadata),
      user_id: stringIn(metadata.user_id),
      version_id: stringIn(metadata.version_id),
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
  if (set.notes !== undefined) await replaceInSearch(tx, { ...row, ...set });
  if (metadata === undefined && effect === undefined) return;
  const tally = new Tally();
  tally.count(row, -1);
  tally.count({ ...row, ...set });
  await writeStats(tx, row.project_id, tally);
}

/** A caller that reads all flat tasks, changes some and sends all back gives no new verdict on the others. */
function withoutRepeatedVerdict(row: TaskRow, change: TaskChange): TaskChange {
  const repeated =
    change.verdict?.value === row.flag && change.verdict?.source === row.last_eval_source;
  return repeated ? { ...change, verdict: undefined } : change;
}

function stringIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
