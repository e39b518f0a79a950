import { useId } from 'preact/hooks';
import { Chart } from './chart.tsx';
import { type ChartSpec, isEmpty } from './chart-spec.ts';

export function ChartCard({
  title,
  spec,
  totals,
  empty,
}: {
  title: string;
  spec: ChartSpec;
  /** What each series comes to over the whole range, in their order. */
  totals: string[];
  empty: string;
}) {
  const id = useId();
  const nothing = isEmpty(spec);
  const said = spec.series.map(({ label }, index) => `${label} ${totals[index] ?? ''}`).join(', ');
  return (
    <section class="card chart-card" aria-labelledby={id}>
      <div class="chart-head">
        <h2 id={id}>{title}</h2>
        {!nothing && (
          <ul class="legend">
            {spec.series.map(({ label, colour }, index) => (
              <li key={label}>
                <span class={`swatch ${colour}`} />
                {label} <b>{totals[index]}</b>
              </li>
            ))}
          </ul>
        )}
      </div>
      {nothing ? (
        <p class="chart-empty">{empty}</p>
      ) : (
        <Chart spec={spec} summary={`${title} over time. ${said}.`} />
      )}
    </section>
  );
}
