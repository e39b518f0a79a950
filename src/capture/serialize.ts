import { types } from 'node:util';
import { isError } from '../internal/is-error.ts';
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
    types.isMap(value) ||
    types.isSet(value) ||
    isError(value) ||
    ArrayBuffer.isView(value)
  );
}

/**
 * A copy of plain JSON values, bounded in depth, nodes, the length of each string and in all, with base64
 * media replaced by a marker. What was left out is marked in its place. Never throws.
 */
export function toPlain(value: unknown): unknown {
  return new Copying().of(value);
}

/** One copy under way: what it may still take, and the objects that it is within. */
class Copying {
  #nodes = MAX_NODES;
  #characters = MAX_CHARACTERS;
  readonly #path: object[] = [];

  of(value: unknown): unknown {
    if (typeof value === 'string') {
      const text = shortenMedia(value);
      this.#characters -= text.length + 3;
      return this.#characters < 0 ? '[…]' : text;
    }
    this.#characters -= 5;
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function') return functionName(value);
    if (typeof value === 'symbol') return value.toString();
    if (typeof value !== 'object' || value === null) return value;
    this.#nodes -= 1;
    if (this.#isSpent()) return '[…]';
    // It is short: a search costs less than a Set.
    if (this.#path.includes(value)) return '[circular]';
    if (this.#path.length >= MAX_DEPTH) return '[too deep]';
    this.#path.push(value);
    try {
      return this.#object(value);
    } catch {
      return '[unreadable]';
    } finally {
      this.#path.pop();
    }
  }

  #isSpent(): boolean {
    return this.#nodes < 0 || this.#characters < 0;
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return this.#list(value);
    if (!isPlain(value)) {
      if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
      if (isError(value)) {
        return { name: this.of(value.name), message: this.of(value.message) };
      }
      if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
      if (types.isMap(value)) return this.of(mapContents(value));
      if (types.isSet(value)) return this.of(setContents(value));
      const marker = markerOf(value);
      if (marker !== undefined) return marker;
    }
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.of(value.toJSON());
    // Without a prototype, a captured key such as `__proto__` is a key like any other.
    const result: { [key: string]: unknown } = Object.create(null);
    for (const key of Object.keys(value)) {
      if (this.#isSpent()) {
        result['…'] = '[…]';
        break;
      }
      this.#characters -= key.length + 3;
      try {
        result[key] = this.of((value as { [key: string]: unknown })[key]);
      } catch {
        result[key] = '[unreadable]';
      }
    }
    return result;
  }

  #list(list: readonly unknown[]): unknown[] {
    const { length } = list;
    const result: unknown[] = [];
    for (let i = 0; i < length; i++) {
      if (this.#isSpent()) {
        result.push(more(length - i));
        break;
      }
      result.push(this.of(list[i]));
    }
    return result;
  }
}

/** What a literal or JSON.parse makes: none of the kinds that are told by their class. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function functionName(value: { readonly name: unknown }): string {
  try {
    return `[function ${value.name}]`;
  } catch {
    return '[function]';
  }
}

/**
 * As much of it as may be kept: an app's caches are of any size. Keys that are objects have no place in a JSON object:
 * such a map becomes its list of entries.
 */
function mapContents(map: Map<unknown, unknown>): unknown {
  const entries = firstOf(Map.prototype.entries.call(map));
  const left = map.size - entries.length;
  const isKeyed = entries.every(([key]) => typeof key !== 'object');
  if (isKeyed) return Object.fromEntries(left > 0 ? [...entries, ['…', more(left)]] : entries);
  return left > 0 ? [...entries, more(left)] : entries;
}

function setContents(set: Set<unknown>): unknown {
  const values = firstOf(Set.prototype.values.call(set));
  return values.length < set.size ? [...values, more(set.size - values.length)] : values;
}

function firstOf<T>(iterator: Iterator<T>): T[] {
  const items: T[] = [];
  while (items.length < MAX_NODES) {
    const { done, value } = iterator.next();
    if (done) break;
    items.push(value);
  }
  return items;
}

function more(count: number): string {
  return `[… ${count} more]`;
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
