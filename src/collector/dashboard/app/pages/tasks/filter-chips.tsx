import type { Change, TaskFilters } from '../../data/task-query.ts';
import { Icon } from '../../parts/icon.tsx';
import { InlineText } from '../../text/plain-text.tsx';
import { chosenFilters } from './filter-labels.ts';

export function FilterChips({
  filters,
  onChange,
  clear,
}: {
  filters: TaskFilters;
  onChange: (change: Change) => void;
  clear: () => void;
}) {
  const chosen = chosenFilters(filters);
  if (chosen.length === 0) return null;
  return (
    <ul class="chips" aria-label="Active filters">
      {chosen.map(({ name, label, value }) => (
        <li key={name}>
          <button type="button" class="chip" onClick={() => onChange({ [name]: undefined })}>
            <span class="visually-hidden">Remove the filter </span>
            <span class="muted">{label}</span>
            <InlineText text={value} />
            <Icon name="close" size={12} />
          </button>
        </li>
      ))}
      <li>
        <button type="button" class="link-button" onClick={clear}>
          Clear all
        </button>
      </li>
    </ul>
  );
}
