import { useMemo } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso/router';
import type { Overview, TaskPage } from '../../../wire.ts';
import { getJson } from '../../data/api.ts';
import { projectApi, projectPath, withQuery } from '../../data/base.ts';
import { useLiveChange } from '../../data/live.tsx';
import { DEFAULT_RANGE, OVERVIEW_RANGES, overviewQuery } from '../../data/ranges.ts';
import { useResource } from '../../data/use-resource.ts';
import { ChartCard } from '../../parts/chart-card.tsx';
import { PageHead } from '../../parts/page.tsx';
import { ErrorState, RefreshError } from '../../parts/states.tsx';
import { chartsOf } from './charts.ts';
import { FiguresTable } from './figures-table.tsx';
import { GetStarted } from './get-started.tsx';
import { OverviewSkeleton } from './overview-skeleton.tsx';
import { RangeTabs } from './range-tabs.tsx';
import { Tiles } from './tiles.tsx';

const REFRESH_MS = 5000;

interface Loaded {
  overview: Overview;
  /** No task has ever arrived. */
  unused: boolean;
}

export function OverviewPage() {
  const { path, query } = useLocation();
  const { project = '' } = useRoute().params;
  const asked = query.range ?? DEFAULT_RANGE;
  const range = OVERVIEW_RANGES.includes(asked) ? asked : DEFAULT_RANGE;
  const resource = useResource(
    `overview ${project} ${range}`,
    (signal) => load(project, range, signal),
    { keep: true },
  );
  useLiveChange(resource.refresh, REFRESH_MS);
  const { data, error } = resource;
  const unused = data?.unused === true;
  return (
    <>
      <PageHead title="Overview" documentTitle="Overview" project={project}>
        {!unused && <RangeTabs path={path} range={range} />}
      </PageHead>
      <RefreshError resource={resource} />
      {data === undefined && error !== undefined && (
        <ErrorState error={error} retry={resource.refresh} />
      )}
      {data === undefined && error === undefined && <OverviewSkeleton />}
      {unused && <GetStarted project={project} />}
      {data !== undefined && !unused && (
        <div class={resource.stale ? 'stale' : undefined} aria-busy={resource.stale}>
          <Report overview={data.overview} project={project} range={range} />
        </div>
      )}
    </>
  );
}

function Report({
  overview,
  project,
  range,
}: {
  overview: Overview;
  project: string;
  range: string;
}) {
  const charts = useMemo(() => chartsOf(overview), [overview]);
  const tasks = projectPath(project, 'tasks');
  return (
    <div class="stack">
      <Tiles totals={overview.totals} />
      <div class="charts">
        {charts.map((chart) => (
          <ChartCard key={chart.title} {...chart} />
        ))}
      </div>
      <FiguresTable
        title="Models"
        unnamed="No model"
        rows={overview.models}
        linkTo={(model) => withQuery(tasks, { model, range })}
      />
      <FiguresTable
        title="Routes"
        unnamed="No route"
        rows={overview.routes}
        linkTo={(route) => withQuery(tasks, { route, range })}
      />
    </div>
  );
}

async function load(project: string, range: string, signal: AbortSignal): Promise<Loaded> {
  const query = overviewQuery(range, new Date());
  const url = withQuery(projectApi(project, 'overview'), query);
  const overview = await getJson<Overview>(url, signal);
  if (overview.totals.tasks > 0) return { overview, unused: false };
  const newest = withQuery(projectApi(project, 'tasks'), { limit: 1 });
  const { tasks } = await getJson<TaskPage>(newest, signal);
  return { overview, unused: tasks.length === 0 };
}
