import type { JsonObject } from '../../types.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { anyText, isObject } from './text.ts';

/** One entry of `output` as it grows. */
export class Item {
  readonly #fields: JsonObject = {};
  readonly #parts = new Slots<Part>();
  /** Arguments of a function, input of a custom tool, code of the interpreter. */
  readonly #pieces = new Map<string, Pieces>();

  /** Whether an event about an item with these fields is about another one. */
  isOther({ type }: JsonObject): boolean {
    return this.#fields.type !== undefined && this.#fields.type !== type;
  }

  /** As `output_item.added` or `output_item.done` have it. */
  set(fields: JsonObject): void {
    Object.assign(this.#fields, fields);
  }

  push(event: string, json: JsonObject): void {
    const [, name = '', step = ''] = /^response\.(.+)\.(\w+)$/.exec(event) ?? [];
    const about = PARTS.get(name);
    if (about !== undefined) {
      const index = json.content_index ?? json.summary_index ?? 0;
      const { list } = about;
      if (about.of !== undefined) this.#fields.type ??= about.of;
      this.#parts
        .open(`${list}.${anyText(index)}`, () => new Part(list))
        ?.push(step, json, about.key);
      return;
    }
    const field = FIELDS.get(name);
    if (field === undefined) return;
    if (step === 'done') this.#fields[field] = json[field] ?? this.#fields[field];
    else if (typeof json.delta === 'string') {
      const pieces = this.#pieces.get(field);
      if (pieces) pieces.push(json.delta);
      else this.#pieces.set(field, new Pieces(json.delta));
    }
  }

  finish(): JsonObject {
    const item: JsonObject = { ...this.#fields };
    for (const [field, pieces] of this.#pieces) item[field] = item[field] || pieces.toString();
    for (const list of ['content', 'summary'] as const) {
      const parts = this.#parts.all.filter((part) => part.list === list);
      if (parts.length === 0) continue;
      item[list] = parts.map((part) => part.finish());
    }
    return item;
  }
}

interface PartEvents {
  list: 'content' | 'summary';
  /** The key of the part's text; undefined for events that hold the part itself. */
  key?: string;
  /** The type of item that has such parts. */
  of?: string;
}

/** The events about a part of an item, by their names without `response.` and what follows the last dot. */
const PARTS = new Map<string, PartEvents>([
  ['content_part', { list: 'content' }],
  ['output_text', { list: 'content', key: 'text', of: 'message' }],
  ['refusal', { list: 'content', key: 'refusal', of: 'message' }],
  ['reasoning_text', { list: 'content', key: 'text', of: 'reasoning' }],
  ['reasoning_summary_part', { list: 'summary', of: 'reasoning' }],
  ['reasoning_summary_text', { list: 'summary', key: 'text', of: 'reasoning' }],
]);

/** The events about a field of an item that arrives in pieces. */
const FIELDS = new Map([
  ['function_call_arguments', 'arguments'],
  ['mcp_call_arguments', 'arguments'],
  ['custom_tool_call_input', 'input'],
  ['code_interpreter_call_code', 'code'],
]);

/** One part of an item's content or summary. */
class Part {
  readonly list: 'content' | 'summary';
  readonly #fields: JsonObject = {};
  #key = 'text';
  readonly #pieces = new Pieces();

  constructor(list: 'content' | 'summary') {
    this.list = list;
  }

  push(step: string, json: JsonObject, key: string | undefined): void {
    if (isObject(json.part)) Object.assign(this.#fields, json.part);
    if (key === undefined) return;
    this.#key = key;
    if (step === 'delta' && typeof json.delta === 'string') this.#pieces.push(json.delta);
    else if (step === 'done' && typeof json[key] === 'string') this.#fields[key] = json[key];
  }

  /** What came in pieces is what the user saw. */
  finish(): JsonObject {
    const text = this.#pieces.toString();
    return { ...this.#fields, ...(text === '' ? {} : { [this.#key]: text }) };
  }
}
