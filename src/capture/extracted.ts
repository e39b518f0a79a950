import type { JsonObject } from '../types.ts';
import type { RequestParts, ResponseParts } from './extract/format.ts';
import { readGenericRequest } from './extract/generic.ts';
import { type Formats, KNOWN_FORMATS } from './extract/index.ts';
import { isMessageList, readMessageList } from './extract/messages.ts';
import { anyText, isObject } from './extract/text.ts';
import { isPassedBytes, plainItems } from './passed-bytes.ts';
import type { Answer } from './read-answer.ts';
import { toPlain } from './serialize.ts';

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
  /** Where nothing else names the session. */
  sessionId?: string | undefined;
  /** Of the door itself: route, status … */
  about?: JsonObject | undefined;
}

/** A function's result: a value, or the items that its generator or stream yielded; its bytes are PassedBytes. */
export interface CallResult {
  output?: unknown;
  items?: readonly unknown[] | undefined;
}

/** The contents of a call: arguments as `{ "0": …, "1": … }`, the result as the formats read it. */
export function extractCall(
  input: unknown,
  result: CallResult,
  formats: Formats = KNOWN_FORMATS,
): Extracted {
  const answer = readable(result, (value) => readAnswer(value, formats)) ?? {
    rawOutput: toPlain(result.items ?? result.output),
  };
  const question = readable(input, (value) => readQuestion(value, formats)) ?? {
    rawInput: toPlain(input),
  };
  return { ...answer, ...question, model: answer.model ?? question.model };
}

/** Undefined for a value whose getters or traps throw: formats read the app's own objects. */
function readable<T>(value: T, read: (value: T) => Extracted): Extracted | undefined {
  try {
    return read(value);
  } catch {
    return undefined;
  }
}

function readAnswer({ output, items }: CallResult, formats: Formats): Extracted {
  if (items === undefined) {
    const { isExact: _isExact, raw, ...answer } = formats.anyResponse(output) ?? {};
    return { ...answer, rawOutput: raw ?? output };
  }
  const [first] = items;
  if (items.length === 1 && isPassedBytes(first)) return readBytes(first.answer(formats));
  return readItems(plainItems(items, formats), formats);
}

function readBytes({ raw, isExact: _isExact, ...answer }: Answer): Extracted {
  return { ...answer, rawOutput: raw ?? '' };
}

function readItems(items: readonly unknown[], formats: Formats): Extracted {
  const decoded = decodedStream(items, formats);
  if (decoded) return readBytes(decoded);
  const { raw, isExact: _isExact, ...answer } = formats.items(items);
  // Items in which no text was found stand for themselves.
  const isTextless = raw === '' && items.some((item) => typeof item !== 'string');
  if (isTextless) return { ...answer, output: undefined, rawOutput: items };
  return { ...answer, rawOutput: raw ?? items };
}

/** A provider's events that were decoded to text on their way, cut anywhere. */
function decodedStream(items: readonly unknown[], formats: Formats): Answer | undefined {
  const [first] = items;
  if (typeof first !== 'string' || !/^(?:data|event|id|retry)?:/.test(first)) return undefined;
  if (items.some((item) => typeof item !== 'string')) return undefined;
  const answer = formats.stream(items.join(''));
  return answer.isExact ? answer : undefined;
}

function readQuestion(input: unknown, formats: Formats): Extracted {
  return { ...readInput(input, formats), rawInput: input };
}

/**
 * What stands for a raw value where a text is wanted; bounded, since the app's objects may be of any size.
 *
 * @param plain the same by `toPlain`, where that is at hand
 */
export function rawText(raw: unknown, plain: unknown = toPlain(raw)): string {
  const isOne = isLone(raw);
  const value = isOne ? raw['0'] : raw;
  if (typeof value !== 'object') return anyText(value);
  return anyText(isOne ? (plain as JsonObject)['0'] : plain);
}

function isLone(raw: unknown): raw is JsonObject {
  try {
    return isArguments(raw);
  } catch {
    return false;
  }
}

function readInput(input: unknown, formats: Formats): RequestParts | undefined {
  const only = isArguments(input) ? input['0'] : input;
  if (typeof only === 'string') return { input: only };
  if (isMessageList(only)) return readMessageList(only);
  return isObject(only) ? (formats.request(only) ?? readGenericRequest(only)) : undefined;
}

/** A lone argument stands for itself; of several, the first does if it is the question by its type. */
function isArguments(input: unknown): input is JsonObject {
  if (!isObject(input) || !('0' in input)) return false;
  return !('1' in input) || typeof input['0'] === 'string' || isMessageList(input['0']);
}
