import { useLayoutEffect, useRef } from 'preact/hooks';
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
  const list = useRef<HTMLUListElement>(null);
  const removed = useRef<number | undefined>(undefined);
  const chosen = chosenFilters(filters);
  useLayoutEffect(() => {
    if (removed.current === undefined) return;
    // The chip that had the focus is gone: the next one has its place, or else the search.
    const left = list.current?.querySelectorAll<HTMLElement>('.chip') ?? [];
    const search = document.querySelector<HTMLElement>('[type=search]');
    (left[Math.min(removed.current, left.length - 1)] ?? search)?.focus();
    removed.current = undefined;
  }, [chosen.length]);
  if (chosen.length === 0) return null;
  const remove = (change: () => void, index: number): void => {
    removed.current = index;
    change();
  };
  return (
    <ul class="chips" aria-label="Active filters" ref={list}>
      {chosen.map(({ name, label, value }, index) => (
        <li key={name}>
          <button
            type="button"
            class="chip"
            onClick={() => remove(() => onChange({ [name]: undefined }), index)}
          >
            <span class="visually-hidden">Remove the filter </span>
            <span class="muted">{label}</span>
            <InlineText text={value} />
            <Icon name="close" size={12} />
          </button>
        </li>
      ))}
      <li>
        <button type="button" class="link-button" onClick={() => remove(clear, 0)}>
          Clear all
        </button>
      </li>
    </ul>
  );
}
