import { createHash } from 'node:crypto';
import type { JsonObject, LogEvent, Step } from '../types.ts';
import { type Mask, maskAll, maskCredentials } from './mask.ts';
import { MASKED, namesOf } from './mask-rules/keys.ts';

/**
 * The event with every string masked. Throws what a mask throws. The names of the event's own fields and of its
 * steps' are words of the wire; those within bodies and metadata are the app's, and are masked like all else.
 */
export function maskEvent(event: LogEvent, masks: readonly Mask[]): LogEvent {
  const masked = maskFields(event, masks) as LogEvent;
  // A key, not a text: a mask that changed it would part a task from its own.
  const parent = event.metadata?.parent_task_id;
  if (parent !== undefined) masked.metadata = { ...masked.metadata, parent_task_id: parent };
  return masked;
}

/** The ids of an event as they may leave. A task's is never changed: its flag comes under it. */
export function maskIds(event: LogEvent, masks: readonly Mask[]): Partial<LogEvent> {
  const ids: Partial<LogEvent> = { task_id: event.task_id };
  for (const name of ['session_id', 'user_id'] as const) {
    const id = event[name];
    if (id !== undefined) ids[name] = maskId(id, masks);
  }
  return ids;
}

/**
 * An id that may leave: itself, or a hash of it where a mask would change it or fails, so that sessions and
 * users stay apart without being named.
 */
export function maskId(id: string, masks: readonly Mask[]): string {
  try {
    if (maskCredentials(maskAll(id, masks)) === id) return id;
  } catch {
    // It cannot be told what the mask would have left of it.
  }
  return `masked_${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}

function maskFields(fields: object, masks: readonly Mask[]): JsonObject {
  const result: JsonObject = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'steps') {
      result[name] = (value as Step[] | undefined)?.map((step) => maskFields(step, masks));
    } else {
      result[name] = typeof value === 'number' ? value : maskDeep(value, masks);
    }
  }
  return result;
}

/** Every string, key and long number of a plain JSON value, and all that is under a name of `maskRules.keys`. */
export function maskDeep(value: unknown, masks: readonly Mask[]): unknown {
  const tests = masks.flatMap((mask) => namesOf(mask) ?? []);
  const isNamed = (key: string): boolean => tests.some((test) => test(key));
  const copy = (inner: unknown): unknown => {
    if (typeof inner === 'string') return maskAll(inner, masks);
    if (typeof inner === 'number') return maskNumber(inner, masks);
    if (typeof inner !== 'object' || inner === null) return inner;
    if (Array.isArray(inner)) return inner.map(copy);
    const result: JsonObject = Object.create(null);
    for (const [key, field] of Object.entries(inner)) {
      const isHidden = field !== null && field !== undefined && isNamed(key);
      result[maskAll(key, masks)] = isHidden ? MASKED : copy(field);
    }
    return result;
  };
  return copy(value);
}

/** A card's number has 14 digits and more; times in milliseconds pass here too, and stay. */
const LONG_NUMBER = 1e11;

function maskNumber(value: number, masks: readonly Mask[]): unknown {
  if (!Number.isSafeInteger(value) || value < LONG_NUMBER) return value;
  const text = String(value);
  const masked = maskAll(text, masks);
  return masked === text ? value : masked;
}
