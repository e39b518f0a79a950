import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { errorOf, streamError } from './errors.ts';
import type { Format, RequestParts, ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { isForMedia } from './media-options.ts';
import { chatUsage, firstChoice, isUsage, keepFields } from './openai-message.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { asNumber, asString, isObject } from './text.ts';

/**
 * OpenAI's completions from before chat, which vLLM, LM Studio, Together and others still offer.
 * Source: https://platform.openai.com/docs/api-reference/completions
 */
export const openaiCompletion: Format = {
  name: 'openai-completion',
  isRequest,
  request: (body) => (isRequest(body) ? readRequest(body) : undefined),
  response: readCompletion,
  stream: (first) => (firstText(first.json) === undefined ? undefined : new CompletionReader()),
};

/** Options that pictures and films, which also take a model and a prompt, mostly do not have. */
const OPTIONS = [
  'max_tokens',
  'temperature',
  'top_p',
  'stop',
  'stream',
  'logprobs',
  'echo',
  'best_of',
  'suffix',
  'presence_penalty',
  'frequency_penalty',
];

function isRequest(body: JsonObject): boolean {
  const { model, prompt } = body;
  const isPrompt = typeof prompt === 'string' || (Array.isArray(prompt) && isTexts(prompt));
  return (
    typeof model === 'string' &&
    isPrompt &&
    !isForMedia(body) &&
    OPTIONS.some((name) => name in body)
  );
}

function isTexts(list: readonly unknown[]): boolean {
  return list.length > 0 && list.every((entry) => typeof entry === 'string');
}

function readRequest({ prompt, model }: JsonObject): RequestParts {
  return {
    input: Array.isArray(prompt) ? prompt.join('\n') : (asString(prompt) ?? ''),
    model: asString(model),
  };
}

function firstText(value: unknown): string | undefined {
  if (!isObject(value) || !Array.isArray(value.choices)) return undefined;
  const choice = firstChoice(value.choices);
  return choice && !isObject(choice.message) && !isObject(choice.delta)
    ? asString(choice.text)
    : undefined;
}

function readCompletion(body: JsonObject): ResponseParts | undefined {
  const output = firstText(body);
  if (output === undefined || !Array.isArray(body.choices)) return undefined;
  const { length } = body.choices;
  const choice = firstChoice(body.choices);
  return {
    output,
    model: asString(body.model),
    usage: chatUsage(body.usage),
    finishReason: asString(choice?.finish_reason),
    error: errorOf(body.error),
    metadata: { choices: length > 1 ? length : undefined },
  };
}

interface Choice {
  index: number;
  texts: Pieces;
  finish: unknown;
}

/** What a chunk has beside the envelope. */
const APART = new Set(['choices', 'usage', 'error']);

export class CompletionReader implements StreamReader {
  readonly #envelope: JsonObject = {};
  #usage: unknown;
  #error: string | undefined;
  readonly #choices = new Slots<Choice>();

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    if (!isObject(event.json)) return;
    const { choices, usage } = event.json;
    if (isUsage(usage)) this.#usage = usage;
    if (!Array.isArray(choices)) return;
    keepFields(this.#envelope, event.json, APART);
    for (const choice of choices) {
      if (!isObject(choice)) continue;
      const index = asNumber(choice.index) ?? 0;
      const known = this.#choices.open(index, () => ({ index, texts: new Pieces(), finish: null }));
      if (typeof choice.text === 'string') known?.texts.push(choice.text);
      if (known && choice.finish_reason) known.finish = choice.finish_reason;
    }
  }

  end(): StreamedParts {
    const choices = [...this.#choices.all]
      .sort((one, other) => one.index - other.index)
      .map(({ index, texts, finish }) => ({
        text: texts.toString(),
        index,
        finish_reason: finish,
      }));
    const raw: JsonObject = { ...this.#envelope, choices, usage: this.#usage ?? null };
    return { ...(readCompletion(raw) ?? { output: '' }), error: this.#error, raw };
  }
}
