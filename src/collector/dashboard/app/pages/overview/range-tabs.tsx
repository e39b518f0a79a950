import { withQuery } from '../../data/base.ts';
import { OVERVIEW_RANGES, rangeLabel } from '../../data/ranges.ts';

export function RangeTabs({ path, range }: { path: string; range: string }) {
  return (
    <nav class="segments" aria-label="Time">
      {OVERVIEW_RANGES.map((name) => (
        <a
          key={name}
          href={withQuery(path, { range: name })}
          aria-current={name === range ? 'true' : undefined}
          title={rangeLabel(name)}
        >
          <span aria-hidden="true">{name.replace(/(\d+)(\w)/, '$1 $2')}</span>
          <span class="visually-hidden">{rangeLabel(name)}</span>
        </a>
      ))}
    </nav>
  );
}
