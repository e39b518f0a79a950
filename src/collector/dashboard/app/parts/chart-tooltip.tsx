import { span } from '../format/times.ts';
import type { ChartSpec, Hover } from './chart-spec.ts';

export function ChartTooltip({ spec, hover }: { spec: ChartSpec; hover: Hover }) {
  const time = spec.times[hover.index];
  if (time === undefined) return null;
  const onTheRight = hover.left > hover.width / 2;
  const place = onTheRight
    ? { right: `${hover.width - hover.left + 12}px` }
    : { left: `${hover.left + 12}px` };
  return (
    <div class="chart-tooltip" style={place} aria-hidden="true">
      <p>{span(time, spec.bucket)}</p>
      {spec.series.map(({ label, colour, values }) => {
        const value = values[hover.index];
        return (
          <p key={label}>
            <span class={`swatch ${colour}`} />
            {label}
            <b>{value === null || value === undefined ? '–' : spec.format(value)}</b>
          </p>
        );
      })}
    </div>
  );
}
