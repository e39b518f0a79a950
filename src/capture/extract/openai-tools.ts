import type { JsonObject } from '../../types.ts';
import type { ToolCall } from './format.ts';
import { Pieces } from './pieces.ts';
import { Slots } from './slots.ts';
import { anyText, asNumber, asString, isObject } from './text.ts';

/**
 * `tool_calls: [{ function: { name, arguments } }]`, or `custom: { name, input }`, or both fields in the call itself;
 * Cohere and Ollama copy it.
 */
export function toolCallsOf(calls: unknown): ToolCall[] | undefined {
  if (!Array.isArray(calls) || calls.length === 0) return undefined;
  return calls.flatMap((call) => {
    const about = isObject(call) ? (call.function ?? call.custom ?? call) : undefined;
    const name = isObject(about) ? asString(about.name) : undefined;
    if (!isObject(about) || name === undefined) return [];
    return [{ name, arguments: about.arguments ?? about.input }];
  });
}

interface Call {
  id: string | undefined;
  type: string;
  name: string;
  args: Pieces;
}

/** Tool calls as they grow, delta by delta. */
export class ToolCallParts {
  readonly #calls = new Slots<Call>();

  push(delta: JsonObject): void {
    const about = [delta.function, delta.custom].find(isObject) ?? delta;
    const [id, name] = [asString(delta.id) ?? '', asString(about.name) ?? ''];
    const index = asNumber(delta.index);
    let call = index === undefined ? this.#calls.all.at(-1) : this.#calls.get(index);
    if (call === undefined || isAnother(call, id, name, index)) {
      call = this.#calls.add(index, {
        id: undefined,
        type: 'function',
        name: '',
        args: new Pieces(),
      });
    }
    if (call === undefined) return;
    call.id ??= id || undefined;
    if (typeof delta.type === 'string') call.type = delta.type;
    call.name ||= name;
    const args = anyText(about.arguments ?? about.input);
    if (args !== '') call.args.push(args);
  }

  get hasCalls(): boolean {
    return this.#calls.all.length > 0;
  }

  /** As the API has them without `stream`; undefined if there is none. */
  finish(): JsonObject[] | undefined {
    if (this.#calls.all.length === 0) return undefined;
    return this.#calls.all.map(({ id, type, name, args }) => {
      const text = args.toString();
      return type === 'custom'
        ? { id, type, custom: { name, input: text } }
        : { id, type, function: { name, arguments: text } };
    });
  }
}

/**
 * Gemini's copy of the API gives no index, or 0 for each call, and a name with each; others give every
 * piece of one call a new id, but only the first a name.
 */
function isAnother(known: Call, id: string, name: string, index: number | undefined): boolean {
  if (name === '' || known.name === '') return false;
  return id === '' || known.id === undefined ? index === undefined : id !== known.id;
}
