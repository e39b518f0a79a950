/** A filter's list; the first entry is "any". A value that is not in the list, as from a link, is added. */
export function Select({
  label,
  any,
  value,
  options,
  onValue,
}: {
  label: string;
  any: string;
  value: string | undefined;
  options: readonly (readonly [value: string, label: string])[];
  onValue: (value: string | undefined) => void;
}) {
  const known = value === undefined || options.some(([name]) => name === value);
  return (
    <select
      class={`input ${value === undefined ? '' : 'active'}`}
      aria-label={label}
      value={value ?? ''}
      onChange={({ currentTarget }) => onValue(currentTarget.value || undefined)}
    >
      <option value="">{any}</option>
      {!known && <option value={value}>{value}</option>}
      {options.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  );
}
