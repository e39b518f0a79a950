import type { BodyKind } from './body-kind.ts';
import type { ReaderMaker } from './byte-log.ts';
import { isDataStream } from './extract/ai-sdk-data.ts';
import { refusedText } from './extract/errors.ts';
import type { ResponseParts } from './extract/format.ts';
import type { Formats } from './extract/index.ts';
import { beginsAnswer } from './extract/sniff.ts';
import { isObject } from './extract/text.ts';
import { parseJson } from './sse.ts';

/** An answer's parts; `raw` is the body, of a stream what was put together from it. */
export interface Answer extends Partial<ResponseParts> {
  raw?: unknown;
  isExact?: boolean;
}

export interface AnswerFacts {
  formats: Formats;
  status: number;
  kind: BodyKind;
}

/** What a response's body says, by its kind; where that is wrong or missing, by how it begins. */
export function readAnswer(text: string, facts: AnswerFacts): Answer {
  const { formats, kind, status } = facts;
  if (text === '') return {};
  const begin = text.slice(0, BEGIN);
  if (JSON_BEGIN.test(begin)) {
    const json = kind === 'lines' ? undefined : parseJson(text);
    const exact = kind === 'text' ? formats.response(json) : undefined;
    if (exact) return { raw: json, ...exact, isExact: true };
    if (json !== undefined && kind !== 'text') return readJson(json, facts);
  }
  const framing = framingOf(begin);
  const streamed = framing && framing !== kind ? formats.stream(text, framing) : undefined;
  if (streamed?.isExact) return streamed;
  if (kind === 'lines' || kind === 'events') return formats.stream(text, kind);
  if (kind === 'untyped' || kind === 'text') {
    if (isDataStream(text)) return formats.stream(text, 'data');
    if (framing === 'events') return streamed ?? {};
  }
  // An error page is not an answer; its status says enough.
  if (status >= 400 && kind === 'text') return {};
  return { output: text, raw: text };
}

/**
 * What reads a long stream while it goes on, by its kind. Undefined: it is kept as a whole, as is what turns out not to
 * be a stream.
 */
export function readerFor(formats: Formats, kind: BodyKind): ReaderMaker | undefined {
  if (kind === 'untyped') {
    return (_first, begin) => {
      const framing = framingOf(begin);
      const isLines = framing === 'lines' && isWholeLine(begin) && beginsAnswer(begin);
      return framing === 'events' || isLines ? formats.inParts(framing) : undefined;
    };
  }
  if (kind !== 'events' && kind !== 'lines') return undefined;
  // JSON that calls itself a stream is read as a whole; lines of JSON begin with a brace, too.
  const whole = kind === 'events' ? '{[' : '[';
  return (first) => (first !== '' && whole.includes(first) ? undefined : formats.inParts(kind));
}

/** Of a JSON document that is no line the first line is none either. */
function isWholeLine(begin: string): boolean {
  const end = begin.indexOf('\n');
  return end > 0 && parseJson(begin.slice(0, end)) !== undefined;
}

/** Characters within which the first data is looked for. */
const BEGIN = 2_000;
/** Lines before the first data, and data that is JSON. */
const EVENTS = /^\ufeff?(?:(?:(?::|event:|id:|retry:)[^\n]*|\r?)\n)*data: ?[{[]/;
const JSON_BEGIN = /^\s*[{["]/;

/** How a body is cut, by its begin: events, lines of JSON, or an array that is no JSON text, since it broke off. */
function framingOf(begin: string): 'events' | 'lines' | 'array' | undefined {
  if (EVENTS.test(begin)) return 'events';
  const [first] = begin.trimStart();
  if (first === '[') return 'array';
  return first === '{' ? 'lines' : undefined;
}

function readJson(json: unknown, { formats, status }: AnswerFacts): Answer {
  const answer = formats.anyResponse(json);
  const isRefused = status >= 400 && isObject(json) && answer?.isExact !== true;
  if (!isRefused) return { raw: json, ...answer };
  const error = answer?.error ?? refusedText(json);
  // A message that says what went wrong is no answer.
  const isError = error !== undefined && (answer?.output ?? error) === error;
  return { raw: json, ...answer, error, ...(isError ? { output: '' } : {}) };
}
