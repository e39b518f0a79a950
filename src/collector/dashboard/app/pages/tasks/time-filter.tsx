import { useState } from 'preact/hooks';
import { RANGE_NAMES, rangeLabel } from '../../data/ranges.ts';
import type { Change, TaskFilters } from '../../data/task-query.ts';
import { fromLocalInput, toLocalInput } from '../../format/times.ts';
import { Select } from '../../parts/select.tsx';

const CUSTOM = 'custom';
const OPTIONS = [
  ...RANGE_NAMES.map((name) => [name, rangeLabel(name)] as const),
  [CUSTOM, 'Custom…'] as const,
];

export function TimeFilter({
  filters,
  onChange,
}: {
  filters: TaskFilters;
  onChange: (change: Change) => void;
}) {
  const { range, from, to } = filters;
  const [chosen, setChosen] = useState(false);
  const custom = from !== undefined || to !== undefined || (chosen && range === undefined);
  return (
    <>
      <Select
        label="Time"
        any="Any time"
        value={custom ? CUSTOM : range}
        options={OPTIONS}
        onValue={(value) => {
          setChosen(value === CUSTOM);
          const own = { from: undefined, to: undefined };
          onChange({ ...own, range: value === CUSTOM ? undefined : value });
        }}
      />
      {custom && (
        <div class="custom-time">
          <TimeField
            label="From"
            value={from}
            onValue={(value) => onChange({ range: undefined, from: value })}
          />
          <TimeField
            label="To"
            value={to}
            onValue={(value) => onChange({ range: undefined, to: value })}
          />
        </div>
      )}
    </>
  );
}

function TimeField({
  label,
  value,
  onValue,
}: {
  label: string;
  value: string | undefined;
  onValue: (value: string | undefined) => void;
}) {
  return (
    <label>
      {label}
      <input
        type="datetime-local"
        class="input"
        value={value === undefined ? '' : toLocalInput(Number(value))}
        onChange={({ currentTarget }) => onValue(fromLocalInput(currentTarget.value)?.toString())}
      />
    </label>
  );
}
