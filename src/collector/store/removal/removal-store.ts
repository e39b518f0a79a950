import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import type { Engine } from '../engine.ts';
import { nameOf } from '../facts.ts';
import type { Schema } from '../schema.ts';
import { STORED_BYTES } from '../stats/bytes.ts';
import type { KeptOf, Outlived, RemovalOptions, RemovalStore, Removed, Subject } from '../store.ts';
import { tidySessions } from './left-sessions.ts';
import { type Gone, type Manner, removeTasks } from './remove-tasks.ts';
import { REMEMBERED_SECONDS } from './removed-ids.ts';
import { bytesStored, retainStep } from './retain.ts';
import { TASKS_PER_STEP, within } from './steps.ts';
import { removeTraces } from './traces.ts';

/** Rows a transaction, of the other tables. */
const ROWS_PER_STEP = 1_000;

/** A query for tasks. */
type Tasks<O> = SelectQueryBuilder<Schema, 'tasks', O>;

export class KyselyRemoval implements RemovalStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;
  readonly #onChange: (projectId: string) => void;

  constructor(engine: Engine, onChange: (projectId: string) => void) {
    this.#engine = engine;
    this.#db = engine.db;
    this.#onChange = onChange;
  }

  async count(projectId: string, subject: Subject): Promise<Removed> {
    const { tasks } = await tasksOf(this.#db, projectId, subject)
      .select((eb) => eb.fn.countAll<number>().as('tasks'))
      .executeTakeFirstOrThrow();
    return { tasks, sessions: await this.#sessionsOf(projectId, subject) };
  }

  async remove(
    projectId: string,
    subject: Subject,
    { onStep, signal }: RemovalOptions = {},
  ): Promise<Removed | undefined> {
    const gone: Removed = { tasks: 0, sessions: 0 };
    const add = ({ tasks, sessions }: Removed) => {
      gone.tasks += tasks;
      gone.sessions += sessions;
      onStep?.({ ...gone });
    };
    const spansOf =
      subject.kind === 'project' ? undefined : { named: subject.kind, id: subject.id };
    // First of all, so that no task is made of them behind our back.
    await removeTraces(this.#engine, projectId, spansOf, signal);
    const manner = { remembers: true, keepsSessions: subject.kind === 'task' };
    for (;;) {
      signal?.throwIfAborted();
      const start = performance.now();
      const step = await this.#step(projectId, tasksOf(this.#db, projectId, subject), manner);
      if (step.tasks === 0) break;
      add(step);
      await leaveTime(performance.now() - start, signal);
    }
    if (subject.kind === 'session') add(await this.#removeSessions(projectId, [subject.id]));
    if (subject.kind === 'project') add(await this.#removeOthers(projectId, signal));
    // Now that it is known what was deleted.
    else await removeTraces(this.#engine, projectId, spansOf, signal);
    if (gone.tasks + gone.sessions > 0) this.#onChange(projectId);
    else if (subject.kind === 'task' || subject.kind === 'session') return undefined;
    return gone;
  }

  bytes(projectId: string): Promise<number> {
    return bytesStored(this.#db, projectId);
  }

  async retain(projectId: string, kept: KeptOf): Promise<Outlived> {
    const outlived = await retainStep(this.#engine, projectId, kept);
    if (outlived.age + outlived.size + outlived.others > 0) this.#onChange(projectId);
    return outlived;
  }

  async forgetRemoved(now: number): Promise<boolean> {
    const old = this.#db
      .selectFrom('removed_tasks')
      .select(['project_id', 'id'])
      .where('removed_at', '<=', now - REMEMBERED_SECONDS)
      .limit(ROWS_PER_STEP);
    const { numDeletedRows } = await this.#db
      .deleteFrom('removed_tasks')
      .where(({ refTuple }) => sql<boolean>`${refTuple('project_id', 'id')} in ${old}`)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows) < ROWS_PER_STEP;
  }

  scrub(): Promise<boolean> {
    return this.#engine.scrub();
  }

  /** Deletes the next few of what a query finds. */
  async #step(projectId: string, tasks: Tasks<object>, manner: Manner): Promise<Gone> {
    const next = await tasks
      .select(['id', STORED_BYTES.as('bytes')])
      .limit(TASKS_PER_STEP)
      .execute();
    const ids = within(next).map(({ id }) => id);
    if (ids.length === 0) return { tasks: 0, sessions: 0, bytes: 0 };
    const gone = await this.#engine.transaction((tx) =>
      removeTasks(this.#engine, tx, projectId, ids, manner),
    );
    if (gone.tasks > 0) this.#onChange(projectId);
    // Another process may have deleted these meanwhile; there may be others.
    return gone.tasks > 0 ? gone : this.#step(projectId, tasks, manner);
  }

  async #sessionsOf(projectId: string, subject: Subject): Promise<number> {
    if (subject.kind === 'task') return 0;
    let query = this.#db
      .selectFrom('sessions as s')
      .select((eb) => eb.fn.countAll<number>().as('sessions'))
      .where('s.project_id', '=', projectId);
    if (subject.kind === 'session') query = query.where('s.id', '=', subject.id);
    if (subject.kind === 'user') {
      const user = nameOf(subject.id);
      query = query
        .where('s.id', 'in', (eb) =>
          eb
            .selectFrom('tasks')
            .select('session_id')
            .where('project_id', '=', projectId)
            .where('user_id', '=', user)
            .where('session_id', 'is not', null)
            .$castTo<{ session_id: string }>(),
        )
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('tasks as o')
                .select('o.id')
                .whereRef('o.project_id', '=', 's.project_id')
                .whereRef('o.session_id', '=', 's.id')
                .where((of) => of.or([of('o.user_id', 'is', null), of('o.user_id', '!=', user)])),
            ),
          ),
        );
    }
    return (await query.executeTakeFirstOrThrow()).sessions;
  }

  /** Those that have no task: of others, events have come since. */
  async #removeSessions(projectId: string, ids: readonly string[]): Promise<Removed> {
    const sessions = await this.#engine.transaction(async (tx) => {
      const left = await tidySessions(this.#engine, tx, projectId, ids, false);
      await this.#engine.noteRemoval(tx);
      return left;
    });
    return { tasks: 0, sessions };
  }

  async #removeEmptySessions(projectId: string, signal: AbortSignal | undefined): Promise<number> {
    for (let gone = 0, last = ''; ; ) {
      signal?.throwIfAborted();
      const start = performance.now();
      const part = await this.#db
        .selectFrom('sessions')
        .select('id')
        .where('project_id', '=', projectId)
        .where('id', '>', last)
        .orderBy('id')
        .limit(ROWS_PER_STEP)
        .execute();
      const end = part.at(-1);
      if (end === undefined) return gone;
      last = end.id;
      const ids = part.map(({ id }) => id);
      gone += (await this.#removeSessions(projectId, ids)).sessions;
      await leaveTime(performance.now() - start, signal);
    }
  }

  /** What belongs to no task. */
  async #removeOthers(projectId: string, signal: AbortSignal | undefined): Promise<Removed> {
    const sessions = await this.#removeEmptySessions(projectId, signal);
    await this.#removeAll('comparisons', projectId, signal);
    await this.#removeAll('tests', projectId, signal);
    return { tasks: 0, sessions };
  }

  async #removeAll(
    table: 'comparisons' | 'tests',
    projectId: string,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const start = performance.now();
      const step = await this.#engine.transaction(async (tx) => {
        const next = tx
          .selectFrom(table)
          .select('id')
          .where('project_id', '=', projectId)
          .limit(ROWS_PER_STEP);
        const { numDeletedRows } = await tx
          .deleteFrom(table)
          .where('project_id', '=', projectId)
          .where('id', 'in', next)
          .executeTakeFirstOrThrow();
        await this.#engine.noteRemoval(tx);
        return Number(numDeletedRows);
      });
      if (step === 0) return;
      await leaveTime(performance.now() - start, signal);
    }
  }
}

/** As much as a step took: others write, and one of another process only tries now and then whether it can. */
async function leaveTime(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal && { signal });
}

function tasksOf(db: Kysely<Schema>, projectId: string, subject: Subject): Tasks<object> {
  const tasks = db.selectFrom('tasks').where('project_id', '=', projectId);
  switch (subject.kind) {
    case 'task':
      return tasks.where('id', '=', subject.id);
    case 'session':
      return tasks.where('session_id', '=', subject.id);
    case 'user':
      return tasks.where('user_id', '=', nameOf(subject.id));
    case 'project':
      return tasks;
  }
}
