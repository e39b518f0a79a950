import type { Kysely } from 'kysely';
import type { Schema, StatsTable } from '../schema.ts';
import { addTo, histogramText, parseHistogram } from '../stats/histogram.ts';
import { columnsOf } from '../stats/sums.ts';

/** Reads the lines, adds, and writes them: nobody else writes meanwhile. */
export async function addToLines(tx: Kysely<Schema>, lines: readonly StatsTable[]): Promise<void> {
  const known = new Map((await knownOf(tx, lines)).map((line) => [keyOf(line), line]));
  await tx
    .insertInto('task_stats')
    .values(lines.map((line) => sumOf(line, known.get(keyOf(line)))))
    .onConflict((conflict) =>
      conflict.columns(['project_id', 'dimension', 'grain', 'start', 'name']).doUpdateSet((eb) => ({
        ...Object.fromEntries(
          columnsOf(lines).map((column) => [column, eb.ref(`excluded.${column}`)]),
        ),
        latencies: eb.ref('excluded.latencies'),
      })),
    )
    .execute();
}

function knownOf(tx: Kysely<Schema>, lines: readonly StatsTable[]): Promise<StatsTable[]> {
  const all = <Column extends keyof StatsTable>(column: Column): StatsTable[Column][] => [
    ...new Set(lines.map((line) => line[column])),
  ];
  return (
    tx
      .selectFrom('task_stats')
      // By name: of a statement with * that was prepared before a migration, node:sqlite does not see new columns.
      .select(['project_id', 'dimension', 'grain', 'start', 'name', 'latencies'])
      .select(columnsOf(lines))
      .$castTo<StatsTable>()
      .where('project_id', 'in', all('project_id'))
      .where('dimension', 'in', all('dimension'))
      .where('grain', 'in', all('grain'))
      .where('start', 'in', all('start'))
      .where('name', 'in', all('name'))
      .execute()
  );
}

function sumOf(line: StatsTable, known: StatsTable | undefined): StatsTable {
  if (known === undefined) return line;
  const sum = { ...line };
  for (const column of columnsOf([line])) sum[column] += known[column];
  const latencies = new Map(parseHistogram(known.latencies));
  addTo(latencies, parseHistogram(line.latencies));
  return { ...sum, latencies: histogramText(latencies) };
}

function keyOf({ dimension, grain, start, name }: StatsTable): string {
  return JSON.stringify([dimension, grain, start, name]);
}
