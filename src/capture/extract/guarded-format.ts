import { describeError, isThenable } from '../../internal/hooks.ts';
import type { Format, RequestParts, ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { asString, isObject } from './text.ts';
import { usageOf } from './usage.ts';

/** A stream's reader of the user's has failed: the stream must be read without this format. */
export class FormatFailed extends Error {
  readonly format: Format;

  constructor(format: Format) {
    super(`the format ${format.name} failed`);
    this.format = format;
  }
}

/** Told what was wrong with which format. */
export type ReportFormat = (name: string, problem: string) => void;

/**
 * A format of the user's, fenced in: what throws, is async or answers something else than parts is reported, and
 * counts as "not recognised".
 */
export function guardFormat(format: Format, report: ReportFormat): Format {
  const complain = (method: string, problem: string): undefined =>
    report(format.name, `${method}() ${problem}`) as undefined;
  const call = <T>(method: string, run: () => T): T | undefined => {
    try {
      const answer = run();
      if (!isThenable(answer)) return answer ?? undefined;
      answer.then(undefined, () => {});
      return complain(method, 'is async; what it answers must be at hand');
    } catch (error) {
      return complain(method, `failed: ${describeError(error)}`);
    }
  };
  const checked = <T>(method: string, field: 'input' | 'output', run: () => T): T | undefined => {
    const answer: unknown = call(method, run);
    if (answer === undefined) return undefined;
    if (isObject(answer) && typeof answer[field] === 'string') return answer as T;
    return complain(method, `must answer undefined or an object whose ${field} is a string`);
  };
  const request: Format['request'] = (body, about) => {
    const parts = checked('request', 'input', () => format.request?.(body, about));
    return parts && call('request', () => cleanRequest(parts));
  };
  const guarded: Format = {
    name: format.name,
    request,
    isRequest: (body) =>
      format.isRequest === undefined
        ? request(body, { path: '' }) !== undefined
        : call('isRequest', () => format.isRequest?.(body)) === true,
    response: (body) => {
      const parts = checked('response', 'output', () => format.response?.(body));
      return parts && call('response', () => cleanResponse(parts));
    },
    stream: (first) => {
      const reader: unknown = call('stream', () => format.stream?.(first));
      if (reader === undefined) return undefined;
      if (isReader(reader)) return guardReader(reader);
      return complain('stream', 'must answer undefined or { push(event), end() }');
    },
  };
  function guardReader(reader: StreamReader): StreamReader {
    return {
      push(event) {
        try {
          reader.push(event);
        } catch (error) {
          complain('push', `failed: ${describeError(error)}`);
          throw new FormatFailed(guarded);
        }
      },
      end() {
        const parts = checked('end', 'output', () => reader.end());
        const clean = parts && call('end', () => cleanStreamed(parts));
        if (clean === undefined) throw new FormatFailed(guarded);
        return clean;
      },
    };
  }
  return guarded;
}

function isReader(value: unknown): value is StreamReader {
  return isObject(value) && typeof value.push === 'function' && typeof value.end === 'function';
}

function cleanRequest({ input, systemPrompt, model }: RequestParts): RequestParts {
  return { input, systemPrompt: asString(systemPrompt), model: asString(model) };
}

/** What is of another type than it should be is left out. */
function cleanResponse(parts: ResponseParts): ResponseParts {
  const { usage, toolCalls, metadata } = parts;
  return {
    output: parts.output,
    model: asString(parts.model),
    usage: isObject(usage)
      ? usageOf({
          prompt_tokens: usage.prompt_tokens,
          completion_tokens: usage.completion_tokens,
          total_tokens: usage.total_tokens,
          cache_read_tokens: usage.cache_read_tokens,
          cache_creation_tokens: usage.cache_creation_tokens,
          reasoning_tokens: usage.reasoning_tokens,
        })
      : undefined,
    reasoning: asString(parts.reasoning),
    toolCalls: Array.isArray(toolCalls) ? toolCalls : undefined,
    finishReason: asString(parts.finishReason),
    error: asString(parts.error),
    metadata: isObject(metadata) ? metadata : undefined,
  };
}

function cleanStreamed(parts: StreamedParts): StreamedParts {
  return { ...cleanResponse(parts), raw: parts.raw ?? parts.output };
}
