import type { JsonObject } from '../../types.ts';
import type { StreamEvent } from '../sse.ts';
import { streamError } from './errors.ts';
import type { ResponseParts, StreamedParts, StreamReader } from './format.ts';
import { Item } from './openai-responses-item.ts';
import { Slots } from './slots.ts';
import { anyText, asString, isObject } from './text.ts';

/** Events of `response.…` into one response object. */
export class ResponseReader implements StreamReader {
  readonly #read: (response: JsonObject) => ResponseParts;
  readonly #envelope: JsonObject = {};
  /** The response as its last event has it; undefined where the stream broke off. */
  #final: JsonObject | undefined;
  #error: string | undefined;
  readonly #items = new Slots<Item>();

  constructor(read: (response: JsonObject) => ResponseParts) {
    this.#read = read;
  }

  push(event: StreamEvent): void {
    this.#error = streamError(event) ?? this.#error;
    const { json } = event;
    if (!isObject(json)) return;
    const type = asString(json.type) ?? '';
    if (isObject(json.response)) this.#pushResponse(type, json.response);
    else if (isObject(json.item)) this.#item(json)?.set(json.item);
    else this.#item(json)?.push(type, json);
  }

  end(): StreamedParts {
    const output: unknown[] = Array.isArray(this.#final?.output) ? this.#final.output : [];
    const items = this.#items.all.map((item) => item.finish());
    // What was sent piece by piece is what the user saw; the last event repeats it.
    const seen = [...items, ...output.filter((item, index) => this.#isNew(item, index, items))];
    const body: JsonObject = { ...this.#envelope, object: 'response', output: seen };
    const parts = this.#read(body);
    return {
      ...parts,
      error: this.#error ?? parts.error,
      raw: output.length > 0 ? { ...body, output } : body,
    };
  }

  #pushResponse(type: string, response: JsonObject): void {
    if (type === 'response.created') this.#items.restart();
    Object.assign(this.#envelope, response);
    if (/\.(completed|incomplete|failed|cancelled|done)$/.test(type)) this.#final = response;
  }

  /**
   * By its index; by its id where an event has none. Some servers give an item a new id in each event, some give
   * several items the same index.
   */
  #item(json: JsonObject): Item | undefined {
    const id = asString(json.item_id) ?? (isObject(json.item) ? asString(json.item.id) : undefined);
    const index = json.output_index;
    if (index === undefined && id === undefined) return undefined;
    const pair = `${anyText(index)}/${anyText(id)}`;
    const known = this.#items.get(pair) ?? this.#items.get(index ?? id);
    if (known && !(isObject(json.item) && known.isOther(json.item))) return known;
    const item = this.#items.add(index ?? id, new Item());
    if (item && index !== undefined && id !== undefined) this.#items.alias([id, pair], item);
    return item;
  }

  /** Whether the last event alone has this item. */
  #isNew(item: unknown, index: number, items: readonly JsonObject[]): boolean {
    if (!isObject(item) || this.#items.get(index) || this.#items.get(item.id)) return false;
    const { type, call_id: call } = item;
    return !items.some((seen) =>
      type === 'message' ? seen.type === type : call !== undefined && seen.call_id === call,
    );
  }
}
