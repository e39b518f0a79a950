import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { streamError } from './errors.ts';
import type { ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { asNumber, asString, isObject } from './text.ts';

/** Each event is an answer of its own, with the next parts; together they are one answer of the same shape. */
export class GeminiReader implements StreamReader {
  readonly #read: (answer: JsonObject) => ResponseParts;
  readonly #envelope: JsonObject = {};
  readonly #usage: JsonObject = {};
  #error: string | undefined;
  readonly #candidates = new Slots<Candidate>();

  constructor(read: (answer: JsonObject) => ResponseParts) {
    this.#read = read;
  }

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    if (!isObject(event.json)) return;
    const { candidates, usageMetadata, error: _error, ...envelope } = event.json;
    Object.assign(this.#envelope, envelope);
    if (isObject(usageMetadata)) Object.assign(this.#usage, usageMetadata);
    for (const candidate of Array.isArray(candidates) ? candidates : []) {
      if (!isObject(candidate)) continue;
      const index = asNumber(candidate.index) ?? 0;
      this.#candidates.open(index, () => new Candidate(index))?.push(candidate);
    }
  }

  end(): StreamedParts {
    const candidates = [...this.#candidates.all]
      .sort((one, other) => one.index - other.index)
      .map((candidate) => candidate.finish());
    const usage = Object.keys(this.#usage).length > 0 ? { usageMetadata: this.#usage } : {};
    const raw = { candidates, ...usage, ...this.#envelope };
    return { ...this.#read(raw), error: this.#error, raw };
  }
}

/** Parts of one candidate that are kept; text adds to the part before, so that these are tool calls and media. */
const MAX_PARTS = 1_000;

class Candidate {
  readonly index: number;
  readonly #fields: JsonObject = {};
  readonly #parts: Part[] = [];

  constructor(index: number) {
    this.index = index;
  }

  push({ content, ...fields }: JsonObject): void {
    Object.assign(this.#fields, fields);
    if (!isObject(content) || !Array.isArray(content.parts)) return;
    for (const part of content.parts) if (isObject(part)) this.#pushPart(part);
  }

  finish(): JsonObject {
    const parts = this.#parts.map((part) => part.finish());
    return { content: { role: 'model', parts }, ...this.#fields };
  }

  #pushPart(part: JsonObject): void {
    const last = this.#parts.at(-1);
    if (last?.takes(part)) last.push(part);
    else if (this.#parts.length < MAX_PARTS) this.#parts.push(new Part(part));
  }
}

/** One part: a text that grows, a call whose arguments may come in pieces, or anything else as it is. */
class Part {
  readonly #fields: JsonObject;
  readonly #texts = new Pieces();
  /** Vertex AI's `partialArgs`, by their place within the arguments. */
  readonly #args = new Map<string, unknown[]>();

  constructor(part: JsonObject) {
    this.#fields = { ...part };
    this.push(part);
  }

  takes(part: JsonObject): boolean {
    if (typeof part.text === 'string') {
      return typeof this.#fields.text === 'string' && this.#fields.thought === part.thought;
    }
    // Further pieces of a call have no name.
    return (
      isObject(part.functionCall) && !part.functionCall.name && isObject(this.#fields.functionCall)
    );
  }

  push({ text, functionCall, thoughtSignature }: JsonObject): void {
    if (typeof text === 'string') this.#texts.push(text);
    if (thoughtSignature !== undefined) this.#fields.thoughtSignature = thoughtSignature;
    if (!isObject(functionCall) || !Array.isArray(functionCall.partialArgs)) return;
    for (const piece of functionCall.partialArgs) if (isObject(piece)) this.#pushArgument(piece);
  }

  finish(): JsonObject {
    const { functionCall: call } = this.#fields;
    if (!isObject(call)) {
      return !this.#texts.isEmpty
        ? { ...this.#fields, text: this.#texts.toString() }
        : this.#fields;
    }
    const { partialArgs: _pieces, willContinue: _more, ...fields } = call;
    if (this.#args.size === 0) return { ...this.#fields, functionCall: fields };
    const args = Object.fromEntries([...this.#args].map(([at, values]) => [at, joined(values)]));
    return { ...this.#fields, functionCall: { ...fields, args } };
  }

  #pushArgument(piece: JsonObject): void {
    const at = asString(piece.jsonPath)?.replace(/^\$\.?/, '');
    const value = piece.stringValue ?? piece.numberValue ?? piece.boolValue ?? null;
    if (at === undefined) return;
    const values = this.#args.get(at);
    if (values) values.push(value);
    else if (this.#args.size < MAX_PARTS) this.#args.set(at, [value]);
  }
}

function joined(values: readonly unknown[]): unknown {
  return values.every((value) => typeof value === 'string') ? values.join('') : values.at(-1);
}
