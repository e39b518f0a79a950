import { withoutHidden } from '../text/hidden.ts';

/** A filter's list; the first entry is "any". A value that is not in the list, as from a link, is added. */
export function Select({
  label,
  any,
  value,
  options,
  onValue,
  active = value !== undefined,
}: {
  label: string;
  any: string;
  value: string | undefined;
  options: readonly (readonly [value: string, label: string])[];
  onValue: (value: string | undefined) => void;
  /** Whether it filters. */
  active?: boolean;
}) {
  const known = value === undefined || options.some(([name]) => name === value);
  return (
    <select
      class={`input ${active ? 'active' : ''}`}
      aria-label={label}
      value={value ?? ''}
      onChange={({ currentTarget }) => onValue(currentTarget.value || undefined)}
    >
      <option value="">{any}</option>
      {!known && <option value={value}>{withoutHidden(value)}</option>}
      {options.map(([name, text]) => (
        <option key={name} value={name}>
          {withoutHidden(text)}
        </option>
      ))}
    </select>
  );
}
