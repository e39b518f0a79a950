import type { JsonObject } from '../types.ts';
import { rawText } from './extracted.ts';

/** What may be said of a task from outside, by options or by `req.phospho.set()`. */
export interface TaskFields {
  sessionId?: string | undefined;
  userId?: string | undefined;
  versionId?: string | undefined;
  /** Replaces what was captured as the input. */
  input?: string | undefined;
  /** Replaces what was captured as the output. */
  output?: string | undefined;
  /** Merged into the task's metadata; later keys win. */
  metadata?: JsonObject | undefined;
}

const TEXT_FIELDS = ['sessionId', 'userId', 'versionId', 'input', 'output'] as const;

/** Adds what is said to what is known; later words win. */
export function mergeFields(known: TaskFields, said: TaskFields): TaskFields {
  for (const key of TEXT_FIELDS) {
    const value: unknown = said[key];
    // Databases number their users: an id that is no string becomes one.
    if (value !== undefined && value !== null) known[key] = rawText(value);
  }
  const { metadata } = said;
  if (typeof metadata !== 'object' || metadata === null) return known;
  // Each of its bytes would be a key.
  if (ArrayBuffer.isView(metadata)) return known;
  try {
    known.metadata = { ...known.metadata, ...metadata };
  } catch {
    // Its getters throw: the task does without.
  }
  return known;
}
