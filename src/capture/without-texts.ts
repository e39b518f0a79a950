import { isError } from '../internal/is-error.ts';
import type { JsonObject } from '../types.ts';
import type { Extracted } from './extracted.ts';

/** Stands where a text would, under `capture: 'metadata'`: the wire wants an input. */
export const NOT_RECORDED = '[not recorded]';

/** Contents of which nothing is left that anybody said. A list of what stays: what is unknown does not. */
export function withoutTexts(contents: Extracted, hasOutput: boolean): Extracted {
  const { model, usage, finishReason, toolCalls, error, metadata, about, sessionId } = contents;
  return {
    input: NOT_RECORDED,
    output: hasOutput ? NOT_RECORDED : undefined,
    model,
    usage,
    finishReason,
    toolCalls: toolCalls?.map(({ name }) => ({ name })),
    error: error === undefined ? undefined : NOT_RECORDED,
    // A refusal is a text, and so are the arguments of a tool.
    metadata: metadata && numbersIn(metadata),
    about,
    sessionId,
  };
}

function numbersIn(metadata: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(metadata).filter(([, value]) => typeof value === 'number'),
  );
}

/** The name of an error's class; its message may quote a text, and so may a name that is no identifier. */
export function errorName(error: unknown): string {
  try {
    if (isError(error)) {
      // The classes of some SDKs tell themselves by their constructor alone.
      const name = error.name === 'Error' ? error.constructor.name : error.name;
      if (/^[A-Za-z_$][\w$]{0,63}$/.test(name)) return name;
    }
  } catch {
    // Its getters throw.
  }
  return NOT_RECORDED;
}
