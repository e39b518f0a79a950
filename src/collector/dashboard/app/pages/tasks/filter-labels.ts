import { rangeLabel } from '../../data/ranges.ts';
import type { FilterName, FlagFilter, TaskFilters } from '../../data/task-query.ts';
import { mediumTime } from '../../format/times.ts';

export const FLAG_FILTER_LABELS: Record<FlagFilter, string> = {
  success: 'Thumb up',
  failure: 'Thumb down',
  any: 'With a verdict',
  none: 'Without a verdict',
};

type Chosen = Exclude<FilterName, 'before' | 'after'>;

const NAMES: Record<Chosen, string> = {
  q: 'Search',
  flag: 'Verdict',
  route: 'Route',
  model: 'Model',
  version: 'Version',
  session: 'Session',
  user: 'User',
  range: 'Time',
  from: 'From',
  to: 'To',
};

/** The filters that are set, in words. */
export function chosenFilters(
  filters: TaskFilters,
): { name: Chosen; label: string; value: string }[] {
  return (Object.keys(NAMES) as Chosen[]).flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [{ name, label: NAMES[name], value: valueText(name, value) }];
  });
}

function valueText(name: Chosen, value: string): string {
  if (name === 'flag') return FLAG_FILTER_LABELS[value as FlagFilter];
  if (name === 'range') return rangeLabel(value);
  return name === 'from' || name === 'to' ? mediumTime(Number(value)) : value;
}
