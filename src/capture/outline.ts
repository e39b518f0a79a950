/** Values looked at: it is made on the caller's time. */
const MAX_VALUES = 2_000;
const MAX_DEPTH = 8;

/**
 * A copy of a value that holds none of the app's objects: texts, numbers and plain containers stay, a marker stands for
 * all else. Never throws.
 */
export function outline(value: unknown): unknown {
  return copy(value, 0, { values: MAX_VALUES });
}

function copy(value: unknown, depth: number, budget: { values: number }): unknown {
  if (typeof value === 'function') return '[function]';
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[too deep]';
  try {
    if (Array.isArray(value)) return copyList(value, depth, budget);
    if (value instanceof Date) return new Date(value.getTime());
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    return copyObject(value, depth, budget);
  } catch {
    return '[unreadable]';
  }
}

function copyList(list: readonly unknown[], depth: number, budget: { values: number }): unknown {
  const result: unknown[] = [];
  for (let i = 0; i < list.length; i++) {
    if (--budget.values < 0) return [...result, `[… ${list.length - i} more]`];
    result.push(copy(list[i], depth + 1, budget));
  }
  return result;
}

function copyObject(value: object, depth: number, budget: { values: number }): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return marker(value);
  const result: { [key: string]: unknown } = Object.create(null);
  for (const key of Object.keys(value)) {
    if (--budget.values < 0) {
      result['…'] = '[…]';
      break;
    }
    // Getters are the app's code.
    const property = Object.getOwnPropertyDescriptor(value, key);
    result[key] = property?.get ? '[getter]' : copy(property?.value, depth + 1, budget);
  }
  return result;
}

function marker(value: object): string {
  const type: unknown = value.constructor;
  return `[${typeof type === 'function' ? type.name || 'object' : 'object'}]`;
}
