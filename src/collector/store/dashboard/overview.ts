import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { addSums, figuresOf, sumsByName, sumsByTime } from '../stats/read-stats.ts';
import { noSums, type Sums } from '../stats/sums.ts';
import { HOUR } from '../stats/tally.ts';
import type { Overview } from './shapes.ts';

/** What an overview is asked for, in UNIX seconds. */
export interface OverviewQuery {
  from: number;
  /** Inclusive. */
  to: number;
  /** The width of a column. */
  bucket: number;
  /** The reader's distance from UTC; east is positive. */
  offset: number;
}

const MAX_GROUPS = 20;

/** Figures are kept by the hour: column and offset are brought to whole hours, and the range to whole columns. */
export async function readOverview(
  db: Kysely<Schema>,
  projectId: string,
  query: OverviewQuery,
): Promise<Overview> {
  const bucket = Math.max(Math.ceil(query.bucket / HOUR) * HOUR, HOUR);
  const offset = Math.round(query.offset / HOUR) * HOUR;
  const from = Math.floor((query.from + offset) / bucket) * bucket - offset;
  const to = (Math.floor((query.to + offset) / bucket) + 1) * bucket - offset;
  const range = { from, to };
  const columns = await sumsByTime(db, projectId, range, bucket);
  const totals = noSums();
  for (const column of columns.values()) addSums(totals, column);
  const series: Overview['series'] = [];
  for (let time = from; time < to; time += bucket)
    series.push({ time, ...figuresOf(columns.get(time) ?? noSums()) });
  return {
    ...range,
    bucket,
    totals: figuresOf(totals),
    series,
    models: largest(await sumsByName(db, projectId, 'model', range)),
    routes: largest(await sumsByName(db, projectId, 'route', range)),
  };
}

function largest(groups: Map<string, Sums>): Overview['models'] {
  return [...groups]
    .sort(([, a], [, b]) => b.tasks - a.tasks)
    .slice(0, MAX_GROUPS)
    .map(([name, sums]) => ({ name: name === '' ? null : name, ...figuresOf(sums) }));
}
