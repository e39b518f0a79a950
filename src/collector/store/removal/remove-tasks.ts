import type { Transaction } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import { STORED_BYTES } from '../stats/bytes.ts';
import { Tally } from '../stats/tally.ts';
import { writeStats } from '../stats/write-stats.ts';
import { tidySessions } from './left-sessions.ts';
import { rememberRemoved } from './removed-ids.ts';

/** How tasks go. */
export interface Manner {
  /** Whether their ids are kept for a while, so that a sender's retry does not bring them back. */
  remembers: boolean;
  /** Whether sessions that lose their last task stay, empty. */
  keepsSessions: boolean;
}

/** What has gone. */
export interface Gone {
  tasks: number;
  sessions: number;
  /** Of the tasks' texts. */
  bytes: number;
}

/**
 * Deletes tasks with all that was made of them: verdicts, words of the search, their share of the figures, their
 * sessions' previews. Each table in the order in which an insert comes to it, so that the two wait for each other
 * at the first.
 *
 * @param ids - at most a few hundred; those that are not there are passed over
 */
export async function removeTasks(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  ids: readonly string[],
  { remembers, keepsSessions }: Manner,
): Promise<Gone> {
  const query = tx
    .selectFrom('tasks')
    .select(['id', 'project_id', 'session_id', 'received_us', 'created_at', 'flag', 'version_id'])
    .select(['model', 'route', 'outcome', 'latency_ms', 'prompt_tokens', 'completion_tokens'])
    .select(STORED_BYTES.as('bytes'))
    .where('project_id', '=', projectId)
    .where('id', 'in', ids)
    .orderBy('id');
  // A verdict under way is counted before it is taken back here.
  const rows = await engine.locked(query).execute();
  if (rows.length === 0) return { tasks: 0, sessions: 0, bytes: 0 };
  const found = rows.map(({ id }) => id);
  await tx
    .deleteFrom('evals')
    .where('project_id', '=', projectId)
    .where('task_id', 'in', found)
    .execute();
  await tx
    .deleteFrom('tasks')
    .where('project_id', '=', projectId)
    .where('id', 'in', found)
    .execute();
  if (remembers) await rememberRemoved(tx, projectId, found);
  await engine.search.remove(tx, rows);
  const sessions = rows.flatMap(({ session_id }) => session_id ?? []);
  const left = await tidySessions(engine, tx, projectId, sessions, keepsSessions);
  const tally = new Tally();
  for (const { bytes, ...row } of rows) tally.count(row, bytes, -1);
  await writeStats(engine, tx, projectId, tally);
  await removeEmptyLines(tx, projectId, tally);
  await engine.noteRemoval(tx);
  return {
    tasks: rows.length,
    sessions: left,
    bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** A project that keeps its tasks for a month would otherwise keep the lines of all months. */
async function removeEmptyLines(
  tx: Transaction<Schema>,
  projectId: string,
  { changes }: Tally,
): Promise<void> {
  await tx
    .deleteFrom('task_stats')
    .where('project_id', '=', projectId)
    .where('dimension', 'in', [...new Set(changes.map(({ dimension }) => dimension))])
    .where('grain', 'in', [...new Set(changes.map(({ grain }) => grain))])
    .where('start', 'in', [...new Set(changes.map(({ start }) => start))])
    .where('tasks', '=', 0)
    .execute();
}
