import { type Kysely, sql } from 'kysely';
import type { Figures } from '../dashboard/shapes.ts';
import type { Schema, StatsTable } from '../schema.ts';
import { addTo, parseHistogram, percentile } from './histogram.ts';
import { type Dimension, noSums, SUMMED, type Sums } from './sums.ts';
import { DAY, HOUR } from './tally.ts';

/** A half-open stretch of time in UNIX seconds; both ends are whole hours. */
export interface Range {
  from: number;
  to: number;
}

/** Sums of one dimension over a range, by name. */
export async function sumsByName(
  db: Kysely<Schema>,
  projectId: string,
  dimension: Exclude<Dimension, 'all' | 'arrived'>,
  range: Range,
): Promise<Map<string, Sums>> {
  // Whole days are read as such, and only what is left at both ends by hours.
  const firstDay = Math.min(Math.ceil(range.from / DAY) * DAY, range.to);
  const lastDay = Math.max(Math.floor(range.to / DAY) * DAY, firstDay);
  const lines = await linesOf(db, projectId, dimension)
    .where((eb) =>
      eb.or([
        eb.and([eb('grain', '=', DAY), eb('start', '>=', firstDay), eb('start', '<', lastDay)]),
        eb.and([eb('grain', '=', HOUR), eb('start', '>=', range.from), eb('start', '<', firstDay)]),
        eb.and([eb('grain', '=', HOUR), eb('start', '>=', lastDay), eb('start', '<', range.to)]),
      ]),
    )
    .execute();
  return sumBy(lines, (line) => line.name);
}

/** Sums over all tasks, by the starts of columns, which are whole hours and ascend; empty columns are left out. */
export async function sumsByTime(
  db: Kysely<Schema>,
  projectId: string,
  starts: readonly number[],
  to: number,
): Promise<Map<number, Sums>> {
  const lines = await linesOf(db, projectId, 'all')
    .where('grain', '=', HOUR)
    .where('start', '>=', starts[0] ?? to)
    .where('start', '<', to)
    .orderBy('start')
    .execute();
  let column = 0;
  // Lines come in order, so the column only ever moves on.
  return sumBy(lines, ({ start }) => {
    while ((starts[column + 1] ?? Number.POSITIVE_INFINITY) <= start) column++;
    return starts[column] ?? to;
  });
}

/** How many tasks arrived on the day of UTC that starts then. */
export async function readArrived(
  db: Kysely<Schema>,
  projectId: string,
  dayStart: number,
): Promise<number> {
  const [line] = await linesOf(db, projectId, 'arrived').where('start', '=', dayStart).execute();
  return line?.tasks ?? 0;
}

export function figuresOf({ latencies, bytes: _, ...sums }: Sums): Figures {
  return {
    ...sums,
    latency_p50_ms: percentile(latencies, 0.5),
    latency_p95_ms: percentile(latencies, 0.95),
  };
}

export function addSums(total: Sums, part: Sums): void {
  for (const column of SUMMED) total[column] += part[column];
  addTo(total.latencies, part.latencies);
}

function linesOf(db: Kysely<Schema>, projectId: string, dimension: Dimension) {
  return db
    .selectFrom('task_stats')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('dimension', '=', dimension)
    .where(sql<boolean>`tasks > 0`);
}

function sumBy<K>(lines: readonly StatsTable[], keyOf: (line: StatsTable) => K): Map<K, Sums> {
  const sums = new Map<K, Sums>();
  for (const line of lines) {
    const key = keyOf(line);
    const sum = sums.get(key) ?? noSums();
    sums.set(key, sum);
    for (const column of SUMMED) sum[column] += line[column];
    addTo(sum.latencies, parseHistogram(line.latencies));
  }
  return sums;
}
