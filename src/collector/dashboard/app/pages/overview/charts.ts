import type { Overview } from '../../../wire.ts';
import { COUNT_STEPS, DURATION_STEPS } from '../../format/axis-steps.ts';
import { duration, optionalDuration, shortDuration } from '../../format/durations.ts';
import { count, short } from '../../format/numbers.ts';
import type { ChartSpec } from '../../parts/chart-spec.ts';

export interface ChartContent {
  title: string;
  spec: ChartSpec;
  totals: string[];
  empty: string;
}

export function chartsOf(overview: Overview): ChartContent[] {
  return [volume(overview), verdicts(overview), latency(overview), tokens(overview)];
}

type Column = Overview['series'][number];

function volume(overview: Overview): ChartContent {
  const { totals } = overview;
  const values = valuesOf(overview);
  return {
    title: 'Tasks',
    totals: [count(totals.tasks), count(totals.errors)],
    empty: 'No tasks in this time',
    spec: {
      ...counted(overview),
      series: [
        { label: 'Tasks', colour: 'chart-1', values: values((column) => column.tasks) },
        { label: 'Errors', colour: 'chart-bad', values: values((column) => column.errors) },
      ],
    },
  };
}

function verdicts(overview: Overview): ChartContent {
  const { totals } = overview;
  const values = valuesOf(overview);
  return {
    title: 'Feedback',
    totals: [count(totals.success), count(totals.failure)],
    empty: 'No thumbs in this time',
    spec: {
      ...counted(overview),
      series: [
        { label: 'Thumbs up', colour: 'chart-good', values: values((column) => column.success) },
        {
          label: 'Thumbs down',
          colour: 'chart-bad',
          values: values((column) => column.failure),
          drawn: values((column) => -column.failure),
        },
      ],
    },
  };
}

function latency(overview: Overview): ChartContent {
  const { totals } = overview;
  const values = valuesOf(overview);
  return {
    title: 'Latency',
    totals: [optionalDuration(totals.latency_p50_ms), optionalDuration(totals.latency_p95_ms)],
    empty: 'No latencies in this time',
    spec: {
      ...columnsOf(overview),
      kind: 'lines',
      format: duration,
      formatAxis: shortDuration,
      axisSteps: DURATION_STEPS,
      least: 10,
      series: [
        { label: 'p50', colour: 'chart-1', values: values((column) => column.latency_p50_ms) },
        {
          label: 'p95',
          colour: 'chart-2',
          values: values((column) => column.latency_p95_ms),
          filled: false,
        },
      ],
    },
  };
}

/** Input tokens stand upon output tokens. */
function tokens(overview: Overview): ChartContent {
  const { totals } = overview;
  const values = valuesOf(overview);
  return {
    title: 'Tokens',
    totals: [count(totals.prompt_tokens), count(totals.completion_tokens)],
    empty: 'No tokens in this time',
    spec: {
      ...counted(overview),
      series: [
        {
          label: 'Input',
          colour: 'chart-2',
          values: values((column) => column.prompt_tokens),
          drawn: values((column) => column.prompt_tokens + column.completion_tokens),
        },
        {
          label: 'Output',
          colour: 'chart-1',
          values: values((column) => column.completion_tokens),
        },
      ],
    },
  };
}

function counted(overview: Overview): Omit<ChartSpec, 'series'> {
  return {
    ...columnsOf(overview),
    kind: 'bars',
    format: count,
    formatAxis: short,
    axisSteps: COUNT_STEPS,
    least: 4,
  };
}

function columnsOf({ series, to }: Overview): Pick<ChartSpec, 'times' | 'end'> {
  return { times: series.map(({ time }) => time), end: to };
}

function valuesOf({ series }: Overview) {
  return (read: (column: Column) => number | null): (number | null)[] => series.map(read);
}
