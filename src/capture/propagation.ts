import type { OpenTask } from './task.ts';
import type { TaskFields } from './task-fields.ts';

/** Tells another process which task a request to it is part of. In small letters, as Node has them. */
export const CONTEXT_HEADER = 'x-phospho-context';

/** Characters of the header; servers refuse requests whose headers take more than 8 to 16 KiB in all. */
const MAX_LENGTH = 2_048;

/** What one process tells another of its task. */
export interface RemoteContext {
  taskId: string | undefined;
  /** Session, user and version. */
  fields: TaskFields;
}

/**
 * The header's value: `task_id=…,session_id=…`, as a W3C baggage header has its members
 * (https://www.w3.org/TR/baggage/). What does not fit is left out, the user and the version first.
 */
export function writeContext(
  task: OpenTask | undefined,
  ambient: TaskFields | undefined,
): string | undefined {
  const { sessionId, userId, versionId } = { ...task?.known(), ...ambient };
  const members = [
    ['task_id', task?.id],
    ['session_id', sessionId],
    ['user_id', userId],
    ['version_id', versionId],
  ];
  let value = '';
  for (const [key, text] of members) {
    if (text === undefined) continue;
    const member = `${value === '' ? '' : ','}${key}=${encoded(text)}`;
    if (value.length + member.length <= MAX_LENGTH) value += member;
  }
  return value || undefined;
}

/** Undefined for what we have not written. */
export function readContext(value: unknown): RemoteContext | undefined {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return undefined;
  const members = new Map<string, string>();
  for (const member of value.split(',')) {
    const at = member.indexOf('=');
    const text = decoded(member.slice(at + 1));
    if (at < 0 || text === undefined) return undefined;
    members.set(member.slice(0, at).trim(), text);
  }
  const get = (key: string): string | undefined => members.get(key) || undefined;
  return {
    taskId: get('task_id'),
    fields: {
      sessionId: get('session_id'),
      userId: get('user_id'),
      versionId: get('version_id'),
    },
  };
}

/** A lone surrogate has no UTF-8. */
function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\u{FFFD}'));
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.trim());
  } catch {
    return undefined;
  }
}
