import type { JsonObject } from '../../types.ts';
import { storableText } from './storable.ts';

/**
 * What is read from a task's metadata into columns of its own, so that lists and figures need not open its
 * JSON. The columns follow the metadata: they are worked out again whenever it changes.
 */
export interface TaskFacts {
  model: string | null;
  route: string | null;
  /** complete, aborted or error; null where the sender did not say. */
  outcome: string | null;
  latency_ms: number | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
}

export const NO_FACTS: Readonly<TaskFacts> = {
  model: null,
  route: null,
  outcome: null,
  latency_ms: null,
  prompt_tokens: null,
  completion_tokens: null,
};

/** Values of another type than expected count as absent: metadata is free. */
export function factsOf(metadata: JsonObject): TaskFacts {
  return {
    model: nameIn(metadata.model),
    route: nameIn(metadata.route),
    outcome: nameIn(metadata.outcome),
    latency_ms: countIn(metadata.latency_ms),
    prompt_tokens: countIn(metadata.prompt_tokens),
    completion_tokens: countIn(metadata.completion_tokens),
  };
}

/** A sender's mistake must not make an index entry of a megabyte. PostgreSQL takes 2704 bytes, of several names. */
const MAX_NAME = 256;
const MAX_NAME_BYTES = 512;

/** A name as it is stored, counted and looked for: what is longer is cut. */
export function nameOf(text: string): string {
  let name = storableText(text.slice(0, MAX_NAME));
  while (bytesOf(name) > MAX_NAME_BYTES) name = storableText(name.slice(0, -1));
  return name;
}

const encoder = new TextEncoder();

function bytesOf(text: string): number {
  return encoder.encode(text).length;
}

/** @returns null for what is no text, or an empty one */
export function nameIn(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? nameOf(value) : null;
}

/** Whole and below 2^31, so that the sum over a million tasks is still exact in a double. */
function countIn(value: unknown): number | null {
  if (typeof value !== 'number' || !(value >= 0 && value < 2 ** 31)) return null;
  return Math.round(value);
}
