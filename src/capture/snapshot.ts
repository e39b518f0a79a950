/** Values looked at per snapshot: it is taken on the caller's time. */
const MAX_VALUES = 200;
const MAX_DEPTH = 4;

/**
 * Copies the containers of a value, not its texts, so that what a function does to its arguments later
 * (pushing an answer onto `messages`, say) does not change what was recorded. Beyond its bounds, and for
 * anything that is not a plain object or array, it keeps the reference.
 */
export function snapshot(value: unknown): unknown {
  const budget = { left: MAX_VALUES };
  return copy(value, 0, budget);
}

function copy(value: unknown, depth: number, budget: { left: number }): unknown {
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return value;
  if (Array.isArray(value)) {
    if (value.length > budget.left) return value.slice();
    budget.left -= value.length;
    return value.map((entry) => copy(entry, depth + 1, budget));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const result: { [key: string]: unknown } = {};
  for (const key of Object.keys(value)) {
    if (--budget.left < 0) return value;
    // Getters are the app's code: they are left alone, and read when the task is serialised.
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property === undefined || property.get !== undefined) return value;
    result[key] = copy(property.value, depth + 1, budget);
  }
  return result;
}
