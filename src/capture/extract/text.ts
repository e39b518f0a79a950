import type { JsonObject } from '../../types.ts';
import { safeJson } from '../serialize.ts';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * The text of a message's `content`: a string, or a list of parts of which the text ones count. Thinking
 * parts are not text.
 */
export function contentText(content: unknown, separator: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts: string[] = [];
  for (const part of content) {
    if (typeof part === 'string') texts.push(part);
    else if (isObject(part) && typeof part.text === 'string' && !isThinking(part)) {
      texts.push(part.text);
    }
  }
  return texts.join(separator);
}

/** Mistral's `{type: 'thinking'}`, and `{type: 'reasoning'}` as others have it. */
function isThinking({ type }: JsonObject): boolean {
  return type === 'thinking' || type === 'reasoning';
}

/** Keys under which apps put a text, most telling first. */
const TEXT_KEYS = ['content', 'answer', 'output', 'text', 'response', 'message', 'result'] as const;

/** The text of an answer in the app's own shape, `undefined` where no known key holds any. */
export function answerText(body: unknown): string | undefined {
  if (typeof body === 'string') return body;
  if (!isObject(body)) return undefined;
  for (const key of TEXT_KEYS) {
    const value = body[key];
    if (typeof value === 'string') return value;
    // `{ message: { role, content } }`, `{ output: [{ text }] }`
    const nested = isObject(value) ? contentText(value.content, '') : contentText(value, '');
    if (nested !== '') return nested;
  }
  return undefined;
}

/** Any value as text that a person can read; an object becomes JSON, never `[object Object]`. */
export function anyText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') {
    return String(value);
  }
  return safeJson(value) ?? '';
}
