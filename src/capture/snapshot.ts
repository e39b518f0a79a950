import { markerOf } from './machinery.ts';

/** Values looked at per snapshot: it is taken on the caller's time. */
const MAX_VALUES = 200;
/** Entries copied of lists too long to be looked into. */
const MAX_ENTRIES = 10_000;
const MAX_DEPTH = 4;

interface Budget {
  values: number;
  entries: number;
}

/**
 * Copies the containers of a value, not its texts, so that what a function does to its arguments later
 * (pushing an answer onto `messages`, say) does not change what was recorded. Beyond its bounds, and for
 * anything that is not a plain object or array, it keeps the reference. Never throws.
 */
export function snapshot(value: unknown): unknown {
  return copy(value, 0, { values: MAX_VALUES, entries: MAX_ENTRIES });
}

function copy(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value !== 'object' || value === null || depth >= MAX_DEPTH) return value;
  try {
    return Array.isArray(value) ? copyList(value, depth, budget) : copyObject(value, depth, budget);
  } catch {
    // A proxy whose traps throw is met again, and marked, when the task is serialised.
    return value;
  }
}

/** By hand: `map` and `slice` would call the constructor of the app's own kinds of Array. */
function copyList(list: readonly unknown[], depth: number, budget: Budget): unknown {
  const { length } = list;
  if (length > budget.entries) return list;
  budget.entries -= length;
  const isShort = length <= budget.values;
  if (isShort) budget.values -= length;
  const result: unknown[] = [];
  for (let i = 0; i < length; i++) {
    result.push(isShort ? copy(list[i], depth + 1, budget) : list[i]);
  }
  return result;
}

function copyObject(value: object, depth: number, budget: Budget): unknown {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return standIn(value);
  const result: { [key: string]: unknown } = {};
  for (const key of Object.keys(value)) {
    if (--budget.values < 0) return value;
    // Getters are the app's code: they are left alone, and read when the task is serialised.
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property === undefined || property.get !== undefined) return value;
    const inner = copy(property.value, depth + 1, budget);
    // An own `__proto__`, as JSON.parse makes it, is a key like any other.
    if (key === '__proto__') define(result, key, inner);
    else result[key] = inner;
  }
  return result;
}

function standIn(value: object): unknown {
  const marker = markerOf(value);
  // No text: as a first argument, that would count as the question.
  return marker === undefined ? value : { toJSON: () => marker };
}

function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
