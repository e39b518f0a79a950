import type { TaskDetail } from '../../../wire.ts';

/** What the page shows elsewhere. */
const KNOWN = ['steps', 'tool_calls', 'reasoning', 'system_prompt', 'error'];

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
        !KNOWN.includes(key) && !(Object.hasOwn(shown, key) && shown[key] === value),
    ),
  );
}
