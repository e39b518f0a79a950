/** What a chart shows, without a word about how it is drawn. */
export interface ChartSpec {
  /** Starts of the columns, UNIX seconds. */
  times: number[];
  /** Width of a column in seconds. */
  bucket: number;
  /** In drawing order: a later one lies above. */
  series: ChartSeries[];
  kind: 'bars' | 'lines';
  format: (value: number) => string;
  formatAxis: (value: number) => string;
  /** The smallest height of the axis, so that 1 task does not fill it. */
  least: number;
  /** Only whole values make sense. */
  whole?: boolean;
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
  index: number;
  left: number;
  width: number;
}

export function isEmpty(spec: ChartSpec): boolean {
  return spec.series.every(({ values }) => values.every((value) => !value));
}
