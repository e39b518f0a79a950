import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { streamError } from './errors.ts';
import type { RequestParts, StreamedParts, StreamReader } from './format.ts';
import { Pieces } from './pieces.ts';
import { answerText, asString, isObject } from './text.ts';

/** Keys under which apps of their own take a question. They count only where design says so. */
const INPUT_KEYS = ['prompt', 'question', 'input', 'query', 'message'] as const;

/** A request body (or query) in the app's own words. */
export function readGenericRequest(body: JsonObject): RequestParts | undefined {
  for (const key of INPUT_KEYS) {
    const value = body[key];
    if (typeof value === 'string' && value !== '') {
      return {
        input: value,
        model: asString(body.model),
        systemPrompt: asString(body.system) ?? asString(body.system_prompt),
      };
    }
  }
  return undefined;
}

/**
 * A streamed answer in the app's own shape: each event adds its text, whether it is plain text, a JSON
 * string or an object with a known key, at the top or in `delta`.
 */
export class GenericReader implements StreamReader {
  readonly #texts = new Pieces();
  #length = 0;
  #error: string | undefined;

  /** True until an event has held text. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  push(streamed: StreamEvent): void {
    const error = streamError(streamed);
    if (error !== undefined) {
      this.#error = error;
      return;
    }
    const { event, data, json } = streamed;
    const text = json === undefined ? plainText(event, data) : textOfDelta(json);
    if (text === '' || (isFinal(streamed) && this.#isWhole(text))) return;
    this.#texts.push(text);
    this.#length += text.length;
  }

  end(): StreamedParts {
    const output = this.#texts.toString();
    return { output, error: this.#error, raw: output };
  }

  #isWhole(text: string): boolean {
    return text.length === this.#length && text === this.#texts.toString();
  }
}

const FINAL_EVENTS = new Set<unknown>(['done', 'end', 'final', 'complete']);

/** Some apps end with one more event that holds the whole answer again, and says that it is the last. */
function isFinal({ event, json }: StreamEvent): boolean {
  if (FINAL_EVENTS.has(event)) return true;
  return isObject(json) && (json.done === true || FINAL_EVENTS.has(json.type));
}

const TEXT_EVENTS = new Set(['', 'message', 'delta', 'token', 'text', 'chunk', 'content', 'data']);

function plainText(event: string | undefined, data: string): string {
  return TEXT_EVENTS.has(event ?? '') ? data : '';
}

const DELTA_KEYS = ['delta', 'token', 'chunk'] as const;

function textOfDelta(json: unknown): string {
  if (!isObject(json)) return typeof json === 'string' ? json : '';
  for (const key of DELTA_KEYS) {
    const value = json[key];
    const text =
      typeof value === 'string' ? value : isObject(value) ? answerText(value) : undefined;
    if (text !== undefined) return text;
  }
  return answerText(json) ?? '';
}
