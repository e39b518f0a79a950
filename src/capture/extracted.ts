import type { JsonObject } from '../types.ts';
import type { RequestParts, ResponseParts } from './extract/format.ts';
import { readGenericRequest } from './extract/generic.ts';
import { readAnyResponse, readItems, readRequest } from './extract/index.ts';
import { isMessageList, lastOfRole } from './extract/messages.ts';
import { anyText, isObject } from './extract/text.ts';

/** The contents of a task or step, read off the path. */
export interface Extracted extends Omit<ResponseParts, 'output'> {
  /** Undefined: no format and no key told which part is the question. */
  input?: string | undefined;
  /** Undefined: there was none, or no format and no key told which part is the answer. */
  output?: string | undefined;
  systemPrompt?: string | undefined;
  /** Becomes the input, as text, where nothing better is known. */
  rawInput?: unknown;
  /** Becomes the output, as text, where nothing better is known. */
  rawOutput?: unknown;
  sessionId?: string | undefined;
  /** Of the door itself: route, status … */
  metadata?: JsonObject | undefined;
}

/** A function's result: a value, or the items that its generator or stream yielded. */
export interface CallResult {
  output?: unknown;
  items?: readonly unknown[] | undefined;
}

/** The contents of a call: arguments as `{ "0": …, "1": … }`, the result as the formats read it. */
export function extractCall(input: unknown, { output, items }: CallResult): Extracted {
  const answer = items === undefined ? readAnyResponse(output) : readItems(items);
  const question = readInput(input);
  return {
    ...answer,
    ...question,
    model: answer?.model ?? question?.model,
    rawInput: input,
    rawOutput: items === undefined ? output : ((answer as { raw?: unknown }).raw ?? items),
  };
}

/** What stands for a raw value where a text is wanted. */
export function rawText(raw: unknown): string {
  return anyText(isArguments(raw) ? raw['0'] : raw);
}

function readInput(input: unknown): RequestParts | undefined {
  const only = isArguments(input) ? input['0'] : input;
  if (typeof only === 'string') return { input: only };
  if (isMessageList(only)) return { input: lastOfRole(only, 'user') };
  return isObject(only) ? (readRequest(only) ?? readGenericRequest(only)) : undefined;
}

/** A lone argument stands for itself; of several, the first does if it is the question by its type. */
function isArguments(input: unknown): input is JsonObject {
  if (!isObject(input) || !('0' in input)) return false;
  return !('1' in input) || typeof input['0'] === 'string' || isMessageList(input['0']);
}
