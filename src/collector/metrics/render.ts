import {
  type HistogramSeries,
  type Labels,
  MetricsText,
  type Sample,
} from '../../internal/metrics-text.ts';
import { VERSION } from '../../internal/version.ts';
import { DATABASE_BOUNDS, type Distribution, type Meter, REQUEST_BOUNDS } from './meter.ts';

/** What is now, beside what was counted. */
export interface Gauges {
  heldFlags: number;
  liveStreams: number;
}

/** The meter's totals in Prometheus' text format. */
export function renderMetrics(meter: Meter, { heldFlags, liveStreams }: Gauges): string {
  const text = new MetricsText('phospho_collector_');
  text.gauge('info', '1, with the version as a label.', [[{ version: VERSION }, 1]]);
  text.counter(
    'requests',
    'Requests by route and status; 499: the client left before the answer.',
    meter.requests.map(
      ({ method, route, status, count }): Sample => [{ method, route, status: `${status}` }, count],
    ),
  );
  text.histogram(
    'request_duration_seconds',
    'Time from a request’s headers to the end of its answer; live streams are left out.',
    meter.durations.map(({ method, route, ...durations }) =>
      seriesOf({ method, route }, REQUEST_BOUNDS, durations),
    ),
  );
  text.counter(
    'events',
    'Log events: stored, known already, or not valid.',
    by('result', { ...meter.eventTotals }),
  );
  text.counter(
    'spans',
    'OTLP spans: stored, known already, or rejected.',
    by('result', { ...meter.spanTotals }),
  );
  text.counter(
    'deleted_tasks',
    'Tasks that were deleted: on request, for their age, or for the size of their project.',
    by('reason', { ...meter.removalTotals }),
  );
  text.counter('comparisons', 'What the judge found.', by('result', meter.comparisonTotals));
  text.counter(
    'limited',
    'Requests refused with 429, by the limit that was reached.',
    by('limit', meter.limitedTotals),
  );
  text.gauge('held_flags', 'Flags that wait for their tasks.', heldFlags);
  text.gauge('live_streams', 'Dashboard pages that are told of news.', liveStreams);
  text.histogram(
    'database_duration_seconds',
    'Time of the store’s operations, waiting for a connection included.',
    meter.databaseTimes.map(({ operation, ...times }) =>
      seriesOf({ operation }, DATABASE_BOUNDS, times),
    ),
  );
  text.counter(
    'database_failures',
    'Operations of the store that failed.',
    meter.databaseTimes.map(({ operation, failures }): Sample => [{ operation }, failures]),
  );
  return text.toString() + processMetrics();
}

/** Under the names that every Prometheus client gives them. */
function processMetrics(): string {
  const text = new MetricsText('process_');
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  text.gauge('resident_memory_bytes', 'Memory of the process.', rss);
  text.gauge('heap_bytes', 'JavaScript heap in use.', heapUsed);
  text.gauge('external_memory_bytes', 'Buffers and other memory outside the heap.', external);
  text.counter('cpu_seconds', 'CPU time of the process.', (user + system) / 1e6);
  text.gauge('start_time_seconds', 'Its start, UNIX seconds.', startedAt());
  return text.toString();
}

function startedAt(): number {
  return Math.round((Date.now() / 1000 - process.uptime()) * 1000) / 1000;
}

function by(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([value, count]) => [{ [label]: value }, count]);
}

function seriesOf(
  labels: Labels,
  bounds: readonly number[],
  { counts, sum }: Distribution,
): HistogramSeries {
  return {
    labels,
    buckets: counts.map((count, i): Sample => [{ le: `${bounds[i] ?? '+Inf'}` }, count]),
    sum,
  };
}
