/** Bounds of what is kept of a raw body or a step's payload. */
const MAX_DEPTH = 64;
const MAX_NODES = 50_000;
const MAX_STRING = 65_536;

/**
 * JSON of any value, or undefined for what has none (a function). Cycles, BigInts, throwing getters and
 * `toJSON`s become markers: telemetry must not fail on what the app may hold.
 */
export function safeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    try {
      return JSON.stringify(toPlain(value));
    } catch {
      return undefined;
    }
  }
}

/**
 * A copy of plain JSON values, bounded in depth, nodes and the length of each string, with base64 media
 * replaced by a marker. What was left out is marked in its place.
 */
export function toPlain(value: unknown): unknown {
  const budget = { nodes: MAX_NODES };
  return copy(value, 0, budget, new Set());
}

function copy(
  value: unknown,
  depth: number,
  budget: { nodes: number },
  path: Set<object>,
): unknown {
  if (typeof value === 'string') return shortenMedia(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'function') return `[function ${value.name}]`;
  if (typeof value === 'symbol') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  budget.nodes -= 1;
  if (budget.nodes < 0) return '[…]';
  if (path.has(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[too deep]';
  path.add(value);
  try {
    return copyObject(value, (inner) => copy(inner, depth + 1, budget, path));
  } catch {
    return '[unreadable]';
  } finally {
    path.delete(value);
  }
}

function copyObject(value: object, inner: (value: unknown) => unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return inner(Object.fromEntries(value));
  if (value instanceof Set) return inner([...value]);
  if (Array.isArray(value)) return value.map(inner);
  if ('toJSON' in value && typeof value.toJSON === 'function') return inner(value.toJSON());
  // Without a prototype, a captured key such as `__proto__` is a key like any other.
  const result: { [key: string]: unknown } = Object.create(null);
  for (const key of Object.keys(value)) {
    try {
      result[key] = inner((value as { [key: string]: unknown })[key]);
    } catch {
      result[key] = '[unreadable]';
    }
  }
  return result;
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
