import type { Kysely } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Schema, StatsTable } from '../schema.ts';
import { histogramText } from './histogram.ts';
import type { Change, Tally } from './tally.ts';

/** Lines a statement: 13 columns each, and SQLite takes at most 32 766 parameters. */
const LINES_PER_STATEMENT = 500;

/** Adds a tally to the stored statistics, in the transaction that stores what was counted. */
export async function writeStats(
  engine: Pick<Engine, 'addToStats'>,
  tx: Kysely<Schema>,
  projectId: string,
  tally: Tally,
): Promise<void> {
  const lines = tally.changes.map((change) => lineOf(projectId, change));
  for (let start = 0; start < lines.length; start += LINES_PER_STATEMENT) {
    await engine.addToStats(tx, lines.slice(start, start + LINES_PER_STATEMENT));
  }
}

function lineOf(projectId: string, { by, ...line }: Change): StatsTable {
  return { project_id: projectId, ...line, ...by, latencies: histogramText(by.latencies) };
}
