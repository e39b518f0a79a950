/** A copy of a plain JSON value with every string replaced, keys included; throws what the function throws. */
export function mapStrings(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((entry) => mapStrings(entry, replace));
  if (typeof value !== 'object' || value === null) return value;
  const result: { [key: string]: unknown } = Object.create(null);
  for (const [key, inner] of Object.entries(value)) {
    result[replace(key)] = mapStrings(inner, replace);
  }
  return result;
}
