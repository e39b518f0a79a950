import type { JsonObject } from '../../types.ts';
import type { Usage } from './format.ts';
import { asString, contentText, isObject } from './text.ts';
import { usageOf } from './usage.ts';

/**
 * Thinking text: `reasoning_content` (DeepSeek, xAI, Alibaba, Moonshot), `reasoning` (Groq, OpenRouter, vLLM), or
 * Mistral's `{type: 'thinking', thinking: [{text}]}` parts within the content.
 */
export function reasoningOf(message: JsonObject): string {
  const direct = asString(message.reasoning_content) || asString(message.reasoning);
  if (direct) return direct;
  if (!Array.isArray(message.content)) return '';
  return message.content
    .map((part) => (isObject(part) ? contentText(part.thinking, '') : ''))
    .join('');
}

/** Cached tokens are in the details; DeepSeek, Moonshot and Alibaba have keys of their own. */
export function chatUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const prompt = isObject(usage.prompt_tokens_details) ? usage.prompt_tokens_details : {};
  const output = isObject(usage.completion_tokens_details) ? usage.completion_tokens_details : {};
  return usageOf({
    // Some gateways count as Responses do.
    prompt_tokens: usage.prompt_tokens ?? usage.input_tokens,
    completion_tokens: usage.completion_tokens ?? usage.output_tokens,
    total_tokens: usage.total_tokens,
    cache_read_tokens: prompt.cached_tokens ?? usage.prompt_cache_hit_tokens ?? usage.cached_tokens,
    cache_creation_tokens: prompt.cache_creation_input_tokens ?? prompt.cache_write_tokens,
    reasoning_tokens: output.reasoning_tokens ?? usage.reasoning_tokens,
  });
}

/** The choice that an answer has without `n`, wherever it stands. */
export function firstChoice(choices: unknown): JsonObject | undefined {
  if (!Array.isArray(choices)) return undefined;
  const known = choices.filter(isObject);
  return known.find(({ index }) => index === 0) ?? known[0];
}

/** A chunk's fields beside its choices, the last ones; Azure's chunks about its filter have an empty id and model. */
export function keepFields(
  kept: JsonObject,
  fields: JsonObject,
  isApart: ReadonlySet<string>,
): void {
  for (const key of Object.keys(fields)) {
    if (isApart.has(key)) continue;
    const value = fields[key];
    const isEmpty = value === '' || value === null;
    // The same text again stays the older string, which has lived for long already.
    if (kept[key] !== value && (!isEmpty || !(key in kept))) kept[key] = value;
  }
}

/** Counts that say something; a chunk may have none, or null, or `{}`. */
export function isUsage(usage: unknown): usage is JsonObject {
  return isObject(usage) && Object.keys(usage).length > 0;
}
