/** What a chart shows, without a word about how it is drawn. */
export interface ChartSpec {
  /** Starts of the columns, UNIX seconds. Each ends where the next one starts. */
  times: number[];
  /** Where the last column ends. */
  end: number;
  /** In drawing order: a later one lies above. */
  series: ChartSeries[];
  kind: 'bars' | 'lines';
  format: (value: number) => string;
  formatAxis: (value: number) => string;
  /** From one tick to the next, ascending: what `formatAxis` can say exactly. */
  axisSteps: readonly number[];
  /** The smallest height of the axis, so that 1 task does not fill it. */
  least: number;
}

export interface ChartSeries {
  label: string;
  /** A colour token without its dashes. */
  colour: string;
  values: (number | null)[];
  /** Drawn height, where it is not the value: sums of a stack, or below zero. */
  drawn?: (number | null)[];
  filled?: boolean;
}

/** Where the pointer is over a chart: the column, and pixels from the chart's left. */
export interface Hover {
  spec: ChartSpec;
  index: number;
  left: number;
  width: number;
}

/** The end of a column. */
export function endOf({ times, end }: ChartSpec, index: number): number {
  return times[index + 1] ?? end;
}

/** A bar of 0 is nothing to see; a line at 0 says something. */
export function isEmpty({ kind, series }: ChartSpec): boolean {
  return series.every(({ values }) =>
    values.every((value) => value === null || (kind === 'bars' && value === 0)),
  );
}
