import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { anyText, asString, isObject } from './text.ts';

/** `"…"`, `{ message }` or anything else under `error`; null, false and '' are how some say that all is well. */
export function errorOf(error: unknown): string | undefined {
  if (!error) return undefined;
  if (isObject(error))
    return asString(error.message) || asString(error.errorText) || anyText(error);
  return anyText(error);
}

/**
 * What an event within a stream says went wrong: an `error` event, `{ error: "…" }`, `{ error: { message } }`, or
 * `{ object: "error", message }` (vLLM).
 */
export function streamError({ event, data, json }: StreamEvent): string | undefined {
  const named = event === 'error';
  if (!isObject(json)) return named ? anyText(json ?? data) : undefined;
  const isError = named || json.type === 'error' || json.object === 'error';
  return errorOf(json.error || (isError ? json : undefined));
}

/**
 * What the body of an answer with an error status says, beside `error`: `{ message }` (Cohere, Mistral, vLLM),
 * `{ detail }`, a text or FastAPI's list of `{ msg }`.
 */
export function refusedText({ error, message, detail, errors }: JsonObject): string | undefined {
  const direct = errorOf(error) ?? (asString(message) || asString(detail));
  if (direct) return direct;
  const list = Array.isArray(detail) ? detail : Array.isArray(errors) ? errors : [];
  const texts = list.map((entry) => (isObject(entry) ? asString(entry.msg) : asString(entry)));
  return texts.filter(Boolean).join('; ') || errorOf(message) || errorOf(detail);
}
