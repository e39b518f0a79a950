import type { Transaction } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema, TasksTable } from '../schema.ts';

const DAY_US = 86_400 * 1_000_000;

/**
 * Tasks keep the arrivals that they had elsewhere, which order those of one second. One that another task has here is
 * replaced by a new one, and so is one of a time to come, which those of this database would not reach.
 *
 * @param tasks - of ids that differ
 */
export async function freeArrivals(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  tasks: readonly TasksTable[],
): Promise<TasksTable[]> {
  const taken = await takenBy(engine, tx, projectId, tasks);
  const latest = Date.now() * 1000 + DAY_US;
  const seen = new Set<number>();
  const isFree = ({ id, received_us: arrival }: TasksTable): boolean => {
    const owner = taken.get(arrival);
    const isOwn = owner === undefined || owner === id;
    if (!isOwn || arrival <= 0 || arrival > latest || seen.has(arrival)) return false;
    seen.add(arrival);
    return true;
  };
  const free = tasks.map(isFree);
  await engine.passArrivals(tx, Math.max(0, ...seen));
  const others = await engine.arrivals(tx, free.filter((is) => !is).length);
  let next = 0;
  return tasks.map((task, index) =>
    free[index] ? task : { ...task, received_us: others[next++] ?? 0 },
  );
}

/** By arrival, the id of the task that has it; of one of another project ''. */
async function takenBy(
  engine: Engine,
  tx: Transaction<Schema>,
  projectId: string,
  tasks: readonly TasksTable[],
): Promise<Map<number, string>> {
  let query = tx
    .selectFrom('tasks')
    .select(['received_us', 'project_id', 'id'])
    .where(
      'received_us',
      'in',
      tasks.map((task) => task.received_us),
    );
  // There they are unique in the whole file.
  if (engine.kind !== 'sqlite') query = query.where('project_id', '=', projectId);
  const rows = await query.execute();
  return new Map(
    rows.map(({ received_us, project_id, id }) => [
      received_us,
      project_id === projectId ? id : '',
    ]),
  );
}
