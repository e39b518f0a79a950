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

/** Models write arguments as JSON in a string. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
