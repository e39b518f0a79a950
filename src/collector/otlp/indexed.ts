import type { Attributes, Value } from './span.ts';

/** More than these are no conversation. */
const MAX_INDEX = 999;

/**
 * A list that was sent as attributes of its own: `gen_ai.prompt.0.role`, `gen_ai.prompt.0.tool_calls.1.name` …
 *
 * @returns undefined where there is none
 */
export function indexedList(attributes: Attributes, prefix: string): Value[] | undefined {
  const groups = new Map<number, Attributes>();
  for (const [key, value] of Object.entries(attributes)) {
    if (!key.startsWith(prefix)) continue;
    const [, digits, rest] = /^\.(\d{1,3})\.(.+)$/s.exec(key.slice(prefix.length)) ?? [];
    const index = Number(digits);
    if (digits === undefined || rest === undefined || index > MAX_INDEX) continue;
    const group = groups.get(index) ?? Object.create(null);
    groups.set(index, group);
    // OpenInference puts one more word in between.
    group[rest.replace(/^message\./, '')] = value;
  }
  if (groups.size === 0) return undefined;
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => nested(group));
}

function nested(group: Attributes): Attributes {
  const calls = indexedList(group, 'tool_calls');
  const own = Object.entries(group).filter(([key]) => !key.startsWith('tool_calls.'));
  return Object.fromEntries(calls === undefined ? own : [...own, ['tool_calls', calls]]);
}
