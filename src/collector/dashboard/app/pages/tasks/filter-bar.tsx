import { useRef, useState } from 'preact/hooks';
import type { Choices } from '../../../wire.ts';
import type { Change, TaskFilters } from '../../data/task-query.ts';
import { FLAGS } from '../../data/task-query.ts';
import { useShortcut } from '../../data/use-shortcut.ts';
import { DebouncedInput } from '../../parts/debounced-input.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Select } from '../../parts/select.tsx';
import { FLAG_FILTER_LABELS } from './filter-labels.ts';
import { TimeFilter } from './time-filter.tsx';

export function FilterBar({
  filters,
  choices,
  onChange,
}: {
  filters: TaskFilters;
  choices: Choices | undefined;
  /** `typed`: one of many changes in a row, not worth an entry in the history. */
  onChange: (change: Change, typed?: boolean) => void;
}) {
  const [open, setOpen] = useState(false);
  const bar = useRef<HTMLDivElement>(null);
  useShortcut('/', () => bar.current?.querySelector<HTMLElement>('[type=search]')?.focus());
  const select = (
    name: 'route' | 'model' | 'version',
    label: string,
    any: string,
    list: string[] = [],
  ) => (
    <Select
      label={label}
      any={any}
      value={filters[name]}
      options={list.map((entry) => [entry, entry] as const)}
      onValue={(value) => onChange({ [name]: value })}
    />
  );
  return (
    <search class="filter-bar" ref={bar}>
      <div class="search-row">
        <div class="search-box">
          <Icon name="search" />
          <DebouncedInput
            type="search"
            label="Search in input, output and notes"
            placeholder="Search input, output, notes"
            value={filters.q ?? ''}
            onValue={(q) => onChange({ q }, true)}
          />
          <span class="kbd" aria-hidden="true">
            /
          </span>
        </div>
        <button
          type="button"
          class="button filters-toggle"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <Icon name="filter" />
          Filters
        </button>
      </div>
      <div class={`filter-row ${open ? 'open' : ''}`}>
        <Select
          label="Verdict"
          any="Any verdict"
          value={filters.flag}
          options={FLAGS.map((flag) => [flag, FLAG_FILTER_LABELS[flag]] as const)}
          onValue={(flag) => onChange({ flag })}
        />
        {select('route', 'Route', 'Any route', choices?.routes)}
        {select('model', 'Model', 'Any model', choices?.models)}
        {select('version', 'Version', 'Any version', choices?.versions)}
        <DebouncedInput
          label="Session"
          placeholder="Session"
          value={filters.session ?? ''}
          onValue={(session) => onChange({ session }, true)}
        />
        <DebouncedInput
          label="User"
          placeholder="User"
          value={filters.user ?? ''}
          onValue={(user) => onChange({ user }, true)}
        />
        <TimeFilter filters={filters} onChange={onChange} />
      </div>
    </search>
  );
}
