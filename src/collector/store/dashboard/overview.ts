import type { Kysely } from 'kysely';
import type { Schema } from '../schema.ts';
import { addSums, figuresOf, sumsByName, sumsByTime } from '../stats/read-stats.ts';
import { noSums, type Sums } from '../stats/sums.ts';
import type { Overview } from './shapes.ts';

/** What an overview is asked for: whole hours in UNIX seconds, ascending, for figures are kept by the hour. */
export interface OverviewQuery {
  /** Where the columns start, at least one. Each ends where the next one starts. */
  starts: readonly number[];
  /** Where the last column ends. */
  to: number;
}

const MAX_GROUPS = 20;

export async function readOverview(
  db: Kysely<Schema>,
  projectId: string,
  { starts, to }: OverviewQuery,
): Promise<Overview> {
  const range = { from: starts[0] ?? to, to };
  const columns = await sumsByTime(db, projectId, starts, to);
  const totals = noSums();
  for (const column of columns.values()) addSums(totals, column);
  return {
    ...range,
    totals: figuresOf(totals),
    series: starts.map((time) => ({ time, ...figuresOf(columns.get(time) ?? noSums()) })),
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
