import uPlot from 'uplot';
import { clockTime, dayTime } from '../format/times.ts';
import { colourOf } from './chart-colours.ts';
import { type ChartSeries, type ChartSpec, endOf } from './chart-spec.ts';

const CHART_HEIGHT = 184;

const DAY = 86_400;
const FONT = '11px system-ui, Inter, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';

export function optionsFor(
  spec: ChartSpec,
  width: number,
  onCursor: (chart: uPlot) => void,
): uPlot.Options {
  return {
    width,
    height: CHART_HEIGHT,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: spec.kind === 'lines', size: 7 },
    },
    scales: {
      x: { time: true, range: () => xRange(spec) },
      y: { range: (_chart, low, high) => yRange(spec, low, high) },
    },
    series: [{}, ...spec.series.map((series) => seriesFor(series, spec.kind))],
    axes: axesFor(spec),
    hooks: { setCursor: [onCursor] },
  };
}

/** A column is drawn around its middle. */
export function dataFor(spec: ChartSpec): uPlot.AlignedData {
  return [
    spec.times.map((time, index) => (time + endOf(spec, index)) / 2),
    ...spec.series.map(({ values, drawn }) => drawn ?? values),
  ];
}

function seriesFor(
  { label, colour, filled = true }: ChartSeries,
  kind: ChartSpec['kind'],
): uPlot.Series {
  const stroke = colourOf(colour);
  if (kind === 'bars') {
    const paths = uPlot.paths.bars?.({ size: [0.72, 28], radius: [0.2, 0] });
    return { label, fill: stroke, width: 0, points: { show: false }, ...(paths && { paths }) };
  }
  const points = { show: false, filter: lonely, size: 7, fill: stroke };
  return { label, stroke, width: 1.5, points, ...(filled && { fill: colourOf(`${colour}-soft`) }) };
}

/** Values between two gaps: they have no line to be seen by. */
function lonely(chart: uPlot, series: number): number[] {
  const values = Array.from(chart.data[series] ?? []);
  const isGap = (index: number): boolean => (values[index] ?? null) === null;
  return values.flatMap((_, index) =>
    !isGap(index) && isGap(index - 1) && isGap(index + 1) ? [index] : [],
  );
}

function xRange({ times, end }: ChartSpec): [number, number] {
  return [times[0] ?? end, end];
}

function yRange({ least }: ChartSpec, low: number | null, high: number | null): [number, number] {
  const top = Math.max(least, (high ?? 0) * 1.08);
  const mirrored = (low ?? 0) < 0;
  return [mirrored ? Math.min(-least / 2, (low ?? 0) * 1.08) : 0, top];
}

function axesFor(spec: ChartSpec): uPlot.Axis[] {
  const stroke = colourOf('text-muted');
  const grid = { stroke: colourOf('grid'), width: 1 };
  return [
    {
      stroke,
      font: FONT,
      grid: { show: false },
      ticks: { ...grid, size: 4 },
      size: 26,
      gap: 4,
      space: 64,
      // At the right edge would stand tomorrow.
      values: (_chart, splits, _axis, _space, step) =>
        splits.map((time) => (time < spec.end ? tickText(time, step) : '')),
    },
    {
      stroke,
      font: FONT,
      grid,
      ticks: { show: false },
      gap: 6,
      space: 36,
      size: (_chart, values) =>
        14 + 6.2 * Math.max(2, ...(values ?? []).map((text) => text.length)),
      values: (_chart, splits) => splits.map((value) => spec.formatAxis(Math.abs(value))),
      incrs: [...spec.axisSteps],
    },
  ];
}

function tickText(time: number, step: number): string {
  const date = new Date(time * 1000);
  const atMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  return step >= DAY || atMidnight ? dayTime(time) : clockTime(time);
}
