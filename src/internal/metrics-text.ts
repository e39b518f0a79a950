export type Labels = { readonly [name: string]: string };
export type Sample = readonly [labels: Labels, value: number];

/** What was counted under one set of labels: cumulative buckets, the last one for `+Inf`, and the sum of all values. */
export interface HistogramSeries {
  labels?: Labels | undefined;
  /** Each labelled by its `le` alone. */
  buckets: readonly Sample[];
  sum: number;
}

/** Prometheus' text format, https://prometheus.io/docs/instrumenting/exposition_formats/. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Families of samples, each with its HELP and TYPE. */
export class MetricsText {
  readonly #prefix: string;
  #text = '';

  /** @param prefix of every family's name */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  counter(name: string, help: string, value: number | readonly Sample[]): void {
    this.#family(`${name}_total`, 'counter', help);
    this.#samples(`${name}_total`, value);
  }

  gauge(name: string, help: string, value: number | readonly Sample[]): void {
    this.#family(name, 'gauge', help);
    this.#samples(name, value);
  }

  histogram(name: string, help: string, series: readonly HistogramSeries[]): void {
    this.#family(name, 'histogram', help);
    for (const { labels = {}, buckets, sum } of series) {
      this.#samples(
        `${name}_bucket`,
        buckets.map(([le, count]): Sample => [{ ...labels, ...le }, count]),
      );
      this.#samples(`${name}_sum`, [[labels, sum]]);
      this.#samples(`${name}_count`, [[labels, buckets.at(-1)?.[1] ?? 0]]);
    }
  }

  toString(): string {
    return this.#text;
  }

  #family(name: string, type: string, help: string): void {
    const escaped = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
    const full = `${this.#prefix}${name}`;
    this.#text += `# HELP ${full} ${escaped}\n# TYPE ${full} ${type}\n`;
  }

  #samples(name: string, value: number | readonly Sample[]): void {
    const samples: readonly Sample[] = typeof value === 'number' ? [[{}, value]] : value;
    for (const [labels, number] of samples) {
      const pairs = Object.entries(labels).map(
        ([label, text]) => `${label}="${escapeLabel(text)}"`,
      );
      const braces = pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
      this.#text += `${this.#prefix}${name}${braces} ${number}\n`;
    }
  }
}

function escapeLabel(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
