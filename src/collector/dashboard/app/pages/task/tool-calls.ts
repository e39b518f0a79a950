import { isObject, textOf } from '../../text/json-text.ts';

export interface ToolCall {
  id: string | undefined;
  name: string;
  arguments: unknown;
}

/** Calls as we record them (`{name, arguments}`), or as OpenAI sends them (inside of `function`). */
export function toolCallsOf(value: unknown): ToolCall[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((call) => {
    const inner = isObject(call.function) ? call.function : call;
    return {
      id: textOf(call.id),
      name: textOf(inner.name) ?? 'unnamed',
      arguments: parsed(inner.arguments),
    };
  });
}

/** Of JSON that is laid out; what is longer or deeper is shown as it came. */
const MAX_LENGTH = 100_000;
const MAX_DEPTH = 100;

/** Models write arguments as JSON in a string. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || value.length > MAX_LENGTH || depthOf(value) > MAX_DEPTH) {
    return value;
  }
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** At most: brackets inside of strings count too. */
function depthOf(json: string): number {
  let depth = 0;
  let most = 0;
  for (const bracket of json.match(/[[\]{}]/g) ?? []) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    most = Math.max(most, depth);
  }
  return most;
}
