import type { JsonObject } from '../../types.ts';
import { parseJson, type StreamEvent } from '../sse.ts';
import { errorOf, streamError } from './errors.ts';
import type { ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { asString, isObject } from './text.ts';

/** Each event has one key, its name: into the answer of Converse. */
export class ConverseReader implements StreamReader {
  readonly #read: (answer: JsonObject) => ResponseParts;
  #stop: JsonObject = {};
  #about: JsonObject = {};
  #error: string | undefined;
  readonly #blocks = new Slots<Block>();

  constructor(read: (answer: JsonObject) => ResponseParts) {
    this.#read = read;
  }

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    if (!isObject(event.json)) return;
    for (const [name, fields] of Object.entries(event.json)) {
      if (isObject(fields)) this.#push(name, fields);
    }
  }

  end(): StreamedParts {
    const content = this.#blocks.all.map((block) => block.finish());
    const raw: JsonObject = {
      output: { message: { role: 'assistant', content } },
      ...this.#stop,
      ...this.#about,
    };
    return { ...this.#read(raw), error: this.#error, raw };
  }

  #push(name: string, fields: JsonObject): void {
    const { contentBlockIndex: index, start, delta } = fields;
    if (name === 'contentBlockStart' && isObject(start)) this.#blocks.add(index, new Block(start));
    else if (name === 'contentBlockDelta' && isObject(delta)) {
      this.#blocks.open(index, () => new Block({}))?.push(delta);
    } else if (name === 'messageStop') this.#stop = fields;
    else if (name === 'metadata') this.#about = fields;
    else if (name.endsWith('Exception')) this.#error = errorOf(fields);
  }
}

/** One block of the content as it grows: a text, thoughts, or the use of a tool. */
class Block {
  readonly #tool: JsonObject | undefined;
  readonly #input = new Pieces();
  readonly #text = new Pieces();
  readonly #thought = new Pieces();
  #signature: string | undefined;

  constructor({ toolUse }: JsonObject) {
    this.#tool = isObject(toolUse) ? toolUse : undefined;
  }

  push({ text, toolUse, reasoningContent: thought }: JsonObject): void {
    if (typeof text === 'string') this.#text.push(text);
    if (isObject(toolUse) && typeof toolUse.input === 'string') this.#input.push(toolUse.input);
    if (!isObject(thought)) return;
    if (typeof thought.text === 'string') this.#thought.push(thought.text);
    this.#signature ??= asString(thought.signature);
  }

  finish(): JsonObject {
    if (this.#tool) {
      const json = this.#input.toString();
      // Half an input, of a stream that broke off, stays text.
      return { toolUse: { ...this.#tool, input: parseJson(json) ?? (json || {}) } };
    }
    if (this.#thought.isEmpty) return { text: this.#text.toString() };
    const signed = this.#signature === undefined ? {} : { signature: this.#signature };
    const text = this.#thought.toString();
    return { reasoningContent: { reasoningText: { text, ...signed } } };
  }
}
