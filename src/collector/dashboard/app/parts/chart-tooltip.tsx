import { span } from '../format/times.ts';
import { endOf, type Hover } from './chart-spec.ts';

export function ChartTooltip({ hover: { spec, index, left, width } }: { hover: Hover }) {
  const time = spec.times[index];
  if (time === undefined) return null;
  const onTheRight = left > width / 2;
  const place = onTheRight ? { right: `${width - left + 12}px` } : { left: `${left + 12}px` };
  return (
    <div class="chart-tooltip" style={place} aria-hidden="true">
      <p>{span(time, endOf(spec, index))}</p>
      {spec.series.map(({ label, colour, values }) => {
        const value = values[index];
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
