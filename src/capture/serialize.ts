import { markerOf } from './machinery.ts';

/** Bounds of what is kept of a raw body or a step's payload. */
const MAX_DEPTH = 64;
const MAX_NODES = 50_000;
const MAX_STRING = 65_536;
/** Characters of one copy, about: twice what fits into an event. */
const MAX_CHARACTERS = 4_000_000;

/**
 * JSON of any value, or undefined for what has none (a function). Cycles, BigInts, throwing getters and
 * `toJSON`s become markers: telemetry must not fail on what the app may hold.
 */
export function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(isOpaque(value) ? toPlain(value) : value);
  } catch {
    try {
      return JSON.stringify(toPlain(value));
    } catch {
      return undefined;
    }
  }
}

/** What JSON.stringify would show as `{}`, or as a number a byte, or would take seconds over. */
function isOpaque(value: unknown): boolean {
  return (
    (Array.isArray(value) && value.length > MAX_NODES) ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Error ||
    ArrayBuffer.isView(value)
  );
}

interface Budget {
  nodes: number;
  characters: number;
}

/**
 * A copy of plain JSON values, bounded in depth, nodes, the length of each string and in all, with base64
 * media replaced by a marker. What was left out is marked in its place. Never throws.
 */
export function toPlain(value: unknown): unknown {
  return copy(value, 0, { nodes: MAX_NODES, characters: MAX_CHARACTERS }, new Set());
}

function copy(value: unknown, depth: number, budget: Budget, path: Set<object>): unknown {
  if (typeof value === 'string') {
    const text = shortenMedia(value);
    budget.characters -= text.length + 3;
    return budget.characters < 0 ? '[…]' : text;
  }
  budget.characters -= 5;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function') return functionName(value);
  if (typeof value === 'symbol') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  budget.nodes -= 1;
  if (isSpent(budget)) return '[…]';
  if (path.has(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[too deep]';
  path.add(value);
  try {
    return copyObject(value, budget, (inner) => copy(inner, depth + 1, budget, path));
  } catch {
    return '[unreadable]';
  } finally {
    path.delete(value);
  }
}

function isSpent({ nodes, characters }: Budget): boolean {
  return nodes < 0 || characters < 0;
}

function functionName(value: { readonly name: unknown }): string {
  try {
    return `[function ${value.name}]`;
  } catch {
    return '[function]';
  }
}

function copyObject(value: object, budget: Budget, inner: (value: unknown) => unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return { name: inner(value.name), message: inner(value.message) };
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return inner(mapContents(value));
  if (value instanceof Set) return inner([...value]);
  if (Array.isArray(value)) return copyList(value, budget, inner);
  const marker = markerOf(value);
  if (marker !== undefined) return marker;
  if ('toJSON' in value && typeof value.toJSON === 'function') return inner(value.toJSON());
  // Without a prototype, a captured key such as `__proto__` is a key like any other.
  const result: { [key: string]: unknown } = Object.create(null);
  for (const key of Object.keys(value)) {
    if (isSpent(budget)) {
      result['…'] = '[…]';
      break;
    }
    budget.characters -= key.length + 3;
    try {
      result[key] = inner((value as { [key: string]: unknown })[key]);
    } catch {
      result[key] = '[unreadable]';
    }
  }
  return result;
}

function copyList(
  list: readonly unknown[],
  budget: Budget,
  inner: (value: unknown) => unknown,
): unknown[] {
  const { length } = list;
  const result: unknown[] = [];
  for (let i = 0; i < length; i++) {
    if (isSpent(budget)) {
      result.push(`[… ${length - i} more]`);
      break;
    }
    result.push(inner(list[i]));
  }
  return result;
}

/** Keys that are objects have no place in a JSON object: such a map becomes its list of entries. */
function mapContents(map: Map<unknown, unknown>): unknown {
  for (const key of map.keys()) if (typeof key === 'object') return [...map];
  return Object.fromEntries(map);
}

const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)?[^,]{0,100};base64,/;
/** A run of base64 this long, without a space, is media and not prose. */
const BASE64_RUN = 2_048;

function shortenMedia(text: string): string {
  if (text.length < BASE64_RUN) return text;
  const head = text.slice(0, 300);
  const url = DATA_URL.exec(head);
  if (url || /^[A-Za-z0-9+/_-]{300}$/.test(head)) {
    if (url || /^[A-Za-z0-9+/_=\r\n-]+$/.test(text)) {
      return `[base64 ${url?.[1] ?? 'data'}, ${text.length} characters]`;
    }
  }
  return shorten(text, MAX_STRING);
}

/** Three quarters of the limit from the head, one from the tail, and a marker between. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  let head = Math.floor(limit * 0.75);
  let tail = text.length - (limit - head);
  // Never through a surrogate pair: half of one is not a character.
  if (isHighSurrogate(text.charCodeAt(head - 1))) head -= 1;
  if (isHighSurrogate(text.charCodeAt(tail - 1))) tail += 1;
  return `${text.slice(0, head)}\n[… ${tail - head} of ${text.length} characters left out …]\n${text.slice(tail)}`;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}
