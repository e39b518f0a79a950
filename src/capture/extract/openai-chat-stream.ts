import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { errorOf, streamError } from './errors.ts';
import type { ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { isUsage, keepFields, reasoningOf } from './openai-message.ts';
import { ToolCallParts } from './openai-tools.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { asNumber, asString, contentText, isObject } from './text.ts';

/** What a chunk has beside the envelope. */
const APART = new Set(['choices', 'usage', 'x_groq', 'error']);

/** Deltas into one completion, in the shape that the same call gives without `stream`. */
export class ChatReader implements StreamReader {
  readonly #read: (completion: JsonObject) => ResponseParts | undefined;
  /** The last chunk's top-level fields win; `choices` and `usage` are kept apart. */
  readonly #envelope: JsonObject = {};
  #usage: JsonObject | undefined;
  #error: string | undefined;
  readonly #choices = new Slots<Choice>();

  constructor(read: (completion: JsonObject) => ResponseParts | undefined) {
    this.#read = read;
  }

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    const { json } = event;
    if (!isObject(json)) return;
    const { choices, usage, x_groq } = json;
    const groq = isObject(x_groq) ? x_groq : {};
    this.#error = errorOf(groq.error) ?? this.#error;
    // Groq reports usage in its own field as well, in early versions only there.
    this.#usage = [usage, groq.usage].find(isUsage) ?? this.#usage;
    // The last chunk of some servers has usage and no choices at all.
    if (!Array.isArray(choices)) return;
    keepFields(this.#envelope, json, APART);
    for (const choice of choices) if (isObject(choice)) this.#pushChoice(choice);
  }

  end(): StreamedParts {
    const body: JsonObject = {
      ...this.#envelope,
      object: 'chat.completion',
      // Several answers come interleaved; the first one is the output, as it is without `stream`.
      choices: [...this.#choices.all]
        .sort((one, other) => one.index - other.index)
        .map((choice) => choice.finish()),
      ...(this.#usage === undefined ? {} : { usage: this.#usage }),
    };
    return { ...(this.#read(body) ?? { output: '' }), error: this.#error, raw: body };
  }

  #pushChoice(choice: JsonObject): void {
    const index = asNumber(choice.index) ?? 0;
    this.#choices.open(index, () => new Choice(index))?.push(choice);
    if (isUsage(choice.usage)) this.#usage = choice.usage;
  }
}

/** One choice as it grows. */
class Choice {
  readonly index: number;
  #role = 'assistant';
  #finish: unknown = null;
  readonly #texts = new Map<string, Pieces>();
  readonly #tools = new ToolCallParts();
  /** The one call of the API before `tool_calls`. */
  #functionCall: ToolCallParts | undefined;
  /** What Groq's compound models run: each once as it begins, and again with its result. */
  readonly #executed = new Slots<JsonObject>();

  constructor(index: number) {
    this.index = index;
  }

  push({ delta, message, finish_reason: finish }: JsonObject): void {
    if (finish !== undefined && finish !== null && finish !== '') this.#finish = finish;
    if (isObject(delta)) this.#add(delta);
    // The whole answer at the end, which most say again and some say only there.
    else if (isObject(message) && !this.#hasSpoken) this.#add(message);
  }

  #add(delta: JsonObject): void {
    if (typeof delta.role === 'string' && delta.role !== '') this.#role = delta.role;
    this.#append('content', contentText(delta.content, ''));
    this.#append('reasoning_content', reasoningOf(delta));
    this.#append('refusal', asString(delta.refusal) ?? '');
    if (isObject(delta.audio)) this.#append('audio', asString(delta.audio.transcript) ?? '');
    if (Array.isArray(delta.tool_calls)) {
      for (const call of delta.tool_calls) if (isObject(call)) this.#tools.push(call);
    }
    if (isObject(delta.function_call)) {
      this.#functionCall ??= new ToolCallParts();
      this.#functionCall.push({ index: 0, function: delta.function_call });
    }
    if (Array.isArray(delta.executed_tools)) {
      for (const tool of delta.executed_tools) {
        if (isObject(tool)) Object.assign(this.#executed.open(tool.index, () => ({})) ?? {}, tool);
      }
    }
  }

  get #hasSpoken(): boolean {
    return this.#texts.size > 0 || this.#tools.hasCalls;
  }

  finish(): JsonObject {
    const message: JsonObject = { role: this.#role, content: null };
    for (const [key, texts] of this.#texts) {
      const text = texts.toString();
      message[key] = key === 'audio' ? { transcript: text } : text;
    }
    const calls = this.#tools.finish();
    if (calls) message.tool_calls = calls;
    const legacy = this.#functionCall?.finish()?.[0];
    if (legacy) message.function_call = legacy.function;
    if (this.#executed.all.length > 0) message.executed_tools = this.#executed.all;
    return { index: this.index, message, finish_reason: this.#finish };
  }

  #append(key: string, text: string): void {
    if (text === '') return;
    const texts = this.#texts.get(key);
    if (texts) texts.push(text);
    else this.#texts.set(key, new Pieces(text));
  }
}
