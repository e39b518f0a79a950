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
  onChange: (change: Change, typed?: boolean) => void;
}) {
  const { range, from, to } = filters;
  const isSet = from !== undefined || to !== undefined;
  const [chosen, setChosen] = useState(isSet);
  // Once shown, the fields stay while one of them is emptied.
  const custom = isSet || (chosen && range === undefined);
  return (
    <>
      <Select
        label="Time"
        any="Any time"
        value={custom ? CUSTOM : range}
        active={isSet || range !== undefined}
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
            onValue={(value) => onChange({ range: undefined, from: value }, true)}
          />
          <TimeField
            label="To"
            value={to}
            onValue={(value) => onChange({ range: undefined, to: value }, true)}
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
        onChange={({ currentTarget }) => {
          const seconds = fromLocalInput(currentTarget.value);
          // While a year is typed, it is one of the first centuries for a moment.
          if (seconds !== undefined || currentTarget.value === '') onValue(seconds?.toString());
        }}
      />
    </label>
  );
}
