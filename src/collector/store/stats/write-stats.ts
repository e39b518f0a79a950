import type { Kysely } from 'kysely';
import type { Schema, StatsTable } from '../schema.ts';
import { addTo, histogramText, parseHistogram } from './histogram.ts';
import { SUMMED } from './sums.ts';
import type { Change, Tally } from './tally.ts';

/** Lines a statement: 12 columns each, and SQLite takes at most 32 766 parameters. */
const LINES_PER_STATEMENT = 500;

/** Adds a tally to the stored statistics, in the transaction that stores what was counted. */
export async function writeStats(
  tx: Kysely<Schema>,
  projectId: string,
  tally: Tally,
): Promise<void> {
  const { changes } = tally;
  for (let start = 0; start < changes.length; start += LINES_PER_STATEMENT) {
    await writeLines(tx, projectId, changes.slice(start, start + LINES_PER_STATEMENT));
  }
}

async function writeLines(
  tx: Kysely<Schema>,
  projectId: string,
  changes: readonly Change[],
): Promise<void> {
  const known = new Map((await linesOf(tx, projectId, changes)).map((row) => [keyOf(row), row]));
  const rows = changes.map((change) => added(projectId, change, known.get(keyOf(change))));
  await tx
    .insertInto('task_stats')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['project_id', 'dimension', 'grain', 'start', 'name']).doUpdateSet((eb) => ({
        ...Object.fromEntries(SUMMED.map((column) => [column, eb.ref(`excluded.${column}`)])),
        latencies: eb.ref('excluded.latencies'),
      })),
    )
    .execute();
}

function linesOf(
  tx: Kysely<Schema>,
  projectId: string,
  changes: readonly Change[],
): Promise<StatsTable[]> {
  return tx
    .selectFrom('task_stats')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('dimension', 'in', unique(changes.map((change) => change.dimension)))
    .where('grain', 'in', unique(changes.map((change) => change.grain)))
    .where('start', 'in', unique(changes.map((change) => change.start)))
    .where('name', 'in', unique(changes.map((change) => change.name)))
    .execute();
}

function added(projectId: string, change: Change, known: StatsTable | undefined): StatsTable {
  const { by, ...line } = change;
  const latencies = new Map(known === undefined ? [] : parseHistogram(known.latencies));
  addTo(latencies, by.latencies);
  return {
    project_id: projectId,
    ...line,
    tasks: by.tasks + (known?.tasks ?? 0),
    success: by.success + (known?.success ?? 0),
    failure: by.failure + (known?.failure ?? 0),
    errors: by.errors + (known?.errors ?? 0),
    prompt_tokens: by.prompt_tokens + (known?.prompt_tokens ?? 0),
    completion_tokens: by.completion_tokens + (known?.completion_tokens ?? 0),
    latencies: histogramText(latencies),
  };
}

function keyOf({ dimension, grain, start, name }: Omit<Change, 'by'>): string {
  return JSON.stringify([dimension, grain, start, name]);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
