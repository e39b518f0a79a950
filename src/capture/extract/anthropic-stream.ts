import type { JsonObject } from '../../types.ts';
import { parseJson, type StreamEvent } from '../sse.ts';
import { streamError } from './errors.ts';
import type { ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { isObject } from './text.ts';

/** `message_start`, blocks in pieces, `message_delta`: into one message. Pings and unknown events pass. */
export class MessageReader implements StreamReader {
  readonly #read: (message: JsonObject) => ResponseParts;
  readonly #message: JsonObject = { type: 'message', role: 'assistant' };
  readonly #usage: JsonObject = {};
  #error: string | undefined;
  readonly #blocks = new Slots<Block>();

  constructor(read: (message: JsonObject) => ResponseParts) {
    this.#read = read;
  }

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    const { json } = event;
    if (!isObject(json)) return;
    const { type, message, index, delta, usage } = json;
    if (type === 'message_start' && isObject(message)) {
      this.#blocks.restart();
      const { content: _content, usage: begun, ...fields } = message;
      Object.assign(this.#message, fields);
      this.#count(begun);
    } else if (type === 'content_block_start' && isObject(json.content_block)) {
      this.#blocks.add(index, new Block(json.content_block));
    } else if (type === 'content_block_delta' && isObject(delta)) {
      this.#blocks.open(index, () => new Block({}))?.push(delta);
    } else if (type === 'message_delta') {
      if (isObject(delta)) Object.assign(this.#message, delta);
      this.#count(usage);
    }
  }

  end(): StreamedParts {
    const raw: JsonObject = {
      ...this.#message,
      content: this.#blocks.all.map((block) => block.finish()),
      ...(Object.keys(this.#usage).length > 0 ? { usage: this.#usage } : {}),
    };
    return { ...this.#read(raw), error: this.#error, raw };
  }

  /** Counts grow as the answer does; what is null, or zero after it was more, says nothing. */
  #count(usage: unknown): void {
    if (!isObject(usage)) return;
    for (const [key, value] of Object.entries(usage)) {
      if (value !== null && (value !== 0 || !(key in this.#usage))) this.#usage[key] = value;
    }
  }
}

/** The deltas that add to a text of their block, by the type of block that they make. */
const TEXTS = new Map<unknown, [type: string, key: string]>([
  ['text_delta', ['text', 'text']],
  ['thinking_delta', ['thinking', 'thinking']],
  ['signature_delta', ['thinking', 'signature']],
]);

/** One block of the content as it grows. */
class Block {
  readonly #fields: JsonObject;
  readonly #texts = new Map<string, Pieces>();
  readonly #json = new Pieces();

  constructor(fields: JsonObject) {
    this.#fields = { ...fields };
  }

  push(delta: JsonObject): void {
    if (typeof delta.partial_json === 'string') {
      this.#json.push(delta.partial_json);
      return;
    }
    const [type, key] = TEXTS.get(delta.type) ?? [];
    if (key === undefined) return;
    const piece = delta[key];
    if (typeof piece !== 'string') return;
    this.#fields.type ??= type;
    const texts = this.#texts.get(key);
    if (texts) texts.push(piece);
    else this.#texts.set(key, new Pieces(piece));
  }

  finish(): JsonObject {
    const block = { ...this.#fields };
    for (const [key, texts] of this.#texts) {
      const begun = block[key];
      block[key] = (typeof begun === 'string' ? begun : '') + texts.toString();
    }
    const json = this.#json.toString();
    // Half an input, of a stream that broke off, stays text.
    if (json !== '') block.input = parseJson(json) ?? json;
    return block;
  }
}
