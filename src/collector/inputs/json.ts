import * as z from 'zod';
import type { JsonObject } from '../../types.ts';
import { writtenAs } from '../openapi/registry.ts';

/** Deeper JSON than this is refused: JSON.parse takes any depth, but JSON.stringify recurses. */
export const MAX_DEPTH = 200;

/** Any JSON object. It is passed on as it is, never copied key by key or merged in depth. */
export const jsonObject: z.ZodType<JsonObject> = writtenAs(
  z.custom<JsonObject>(isObject, 'expected an object'),
  { type: 'object', additionalProperties: true },
);

/** A raw input or output: an object, a string, or a list of either. */
export const rawValue: z.ZodType<unknown> = writtenAs(
  z.custom<unknown>(
    (value) =>
      isRaw(value) || (Array.isArray(value) && value.every((item) => item === null || isRaw(item))),
    'expected an object, a string, or a list of either',
  ),
  {
    anyOf: [
      { type: ['object', 'string'] },
      { type: 'array', items: { type: ['object', 'string', 'null'] } },
    ],
  },
);

const MAX_SECONDS = Number.MAX_SAFE_INTEGER;

/** UNIX seconds; a fraction is dropped. What no database counts up to is brought to the nearest that it does. */
export const unixSeconds: z.ZodType<number, number> = z
  .number()
  .transform((seconds) => Math.floor(Math.min(Math.max(seconds, -MAX_SECONDS), MAX_SECONDS)))
  .describe('UNIX seconds; a fraction is dropped');

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRaw(value: unknown): boolean {
  return typeof value === 'string' || isObject(value);
}

/** Whether a parsed JSON value is nested deeper than MAX_DEPTH. Does not recurse itself. */
export function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    const next: unknown[] = [];
    for (const item of level) {
      if (typeof item !== 'object' || item === null) continue;
      for (const child of Object.values(item)) {
        if (typeof child === 'object' && child !== null) next.push(child);
      }
    }
    level = next;
  }
  return false;
}
