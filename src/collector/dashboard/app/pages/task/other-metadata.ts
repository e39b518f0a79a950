import type { TaskDetail } from '../../../wire.ts';

/** What the page shows elsewhere, and what only programs need; the raw JSON has it all. */
const KNOWN = [
  ...['steps', 'tool_calls', 'reasoning', 'system_prompt', 'error', 'total_tokens'],
  ...['client_created_at', 'last_update', 'raw_input_type_name', 'raw_output_type_name'],
];

/** The metadata without what is a fact of the task, under the same name and with the same value. */
export function otherMetadata({
  task,
  facts,
  user_id,
  version_id,
}: TaskDetail): Record<string, unknown> {
  const shown: Record<string, unknown> = { ...facts, user_id, version_id };
  return Object.fromEntries(
    Object.entries(task.metadata ?? {}).filter(
      ([key, value]) =>
        !KNOWN.includes(key) && !(Object.hasOwn(shown, key) && shown[key] === rounded(value)),
    ),
  );
}

/** Facts are whole numbers. */
function rounded(value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value) : value;
}
