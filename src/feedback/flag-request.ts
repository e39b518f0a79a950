import type { Flag } from '../types.ts';

export type FeedbackErrorCode =
  | 'invalid_json'
  | 'invalid_flag'
  | 'invalid_body'
  | 'token_missing'
  | 'token_invalid'
  | 'token_expired'
  | 'task_mismatch'
  | 'origin'
  | 'unauthorized'
  | 'unknown_task'
  | 'method_not_allowed'
  | 'too_large'
  | 'unsupported_type'
  | 'too_many_requests'
  | 'not_configured';

const STATUS: { [code in FeedbackErrorCode]: number } = {
  invalid_json: 400,
  invalid_flag: 400,
  invalid_body: 400,
  token_missing: 401,
  token_invalid: 401,
  token_expired: 401,
  task_mismatch: 403,
  origin: 403,
  unauthorized: 403,
  unknown_task: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_type: 415,
  too_many_requests: 429,
  not_configured: 503,
};

/** Why a piece of feedback was not taken; it becomes the answer `{"error": {"code", "message"}}`. */
export class FeedbackRefusal extends Error {
  readonly code: FeedbackErrorCode;
  readonly status: number;

  constructor(code: FeedbackErrorCode, message: string) {
    super(message);
    this.code = code;
    this.status = STATUS[code];
  }
}

/** What an end user says of a task. */
export interface Feedback {
  taskId: string;
  flag: Flag;
  notes?: string | undefined;
}

/** A body that has the right shape; its token is not checked yet. */
export interface FlagRequest extends Partial<Feedback> {
  flag: Flag;
  token: string | undefined;
}

const MAX_ID_LENGTH = 512;
/** A token of the longest id, in any script. */
const MAX_TOKEN_LENGTH = 2_304;
/** Characters of a note. */
export const MAX_NOTES = 2_000;

/**
 * Reads a parsed body; throws a FeedbackRefusal that names the field.
 *
 * @param flagOf what the app itself takes a raw flag for; undefined: it does not know it
 */
export function readFlagRequest(
  body: unknown,
  flagOf: (raw: unknown) => Flag | undefined = () => undefined,
): FlagRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new FeedbackRefusal('invalid_body', 'the body must be a JSON object');
  }
  const fields = body as { [key: string]: unknown };
  const taskId = readText(fields, ['task_id', 'taskId'], MAX_ID_LENGTH);
  if (taskId && /\p{Surrogate}/u.test(taskId)) {
    throw new FeedbackRefusal('invalid_body', 'task_id must be well-formed Unicode');
  }
  const token = readText(fields, ['token'], MAX_TOKEN_LENGTH);
  const notes = readText(fields, ['notes'], MAX_NOTES);
  return {
    flag: readFlag(fields, flagOf),
    token: token || undefined,
    ...(taskId ? { taskId } : {}),
    ...(notes ? { notes: stripInvisible(notes) } : {}),
  };
}

function readText(
  fields: { [key: string]: unknown },
  names: readonly string[],
  maxLength: number,
): string | undefined {
  for (const name of names) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== 'string') {
      throw new FeedbackRefusal('invalid_body', `${name} must be a string, got ${typeof value}`);
    }
    if (value.length > maxLength) {
      throw new FeedbackRefusal(
        'invalid_body',
        `${name} must have at most ${maxLength} characters, got ${value.length}`,
      );
    }
    return value;
  }
  return undefined;
}

const RAW_FLAGS: ReadonlyMap<unknown, Flag> = new Map<unknown, Flag>([
  ...['success', 'up', 'yes', 'true', '1', '+1', '👍', '🙂', '😀', true, 1].map(
    (raw): [unknown, Flag] => [raw, 'success'],
  ),
  ...['failure', 'down', 'no', 'false', '0', '-1', '👎', '🙁', '😞', false, 0, -1].map(
    (raw): [unknown, Flag] => [raw, 'failure'],
  ),
]);

/** A skin tone or a presentation selector after an emoji says nothing about the verdict. */
const EMOJI_MODIFIERS = /[\u{1f3fb}-\u{1f3ff}\u{fe0e}\u{fe0f}]/gu;

function readFlag(
  fields: { [key: string]: unknown },
  flagOf: (raw: unknown) => Flag | undefined,
): Flag {
  const { flag } = fields;
  if (flag === 'success' || flag === 'failure') return flag;
  if (flag !== undefined && flag !== null) {
    throw new FeedbackRefusal(
      'invalid_flag',
      `flag must be "success" or "failure", got ${show(flag)}; a thumb such as 👍 or "down" goes into raw_flag`,
    );
  }
  const raw = fields.raw_flag ?? fields.rawFlag;
  const key = typeof raw === 'string' ? raw.trim().toLowerCase().replace(EMOJI_MODIFIERS, '') : raw;
  const known = (raw === undefined || raw === null ? undefined : flagOf(raw)) ?? RAW_FLAGS.get(key);
  if (known !== undefined) return known;
  throw new FeedbackRefusal(
    'invalid_flag',
    raw === undefined || raw === null
      ? 'flag is missing: send flag ("success" or "failure") or raw_flag (👍 or 👎)'
      : `raw_flag must be a thumb: 👍 👎, "up", "down", true, false, 1, 0 or -1; got ${show(raw)}`,
  );
}

/** What tells the mistake, and nothing that could be markup, a script or a disguise. */
function show(value: unknown): string {
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value !== 'string') return `${value}`;
  return /^[\w .+-]{0,40}$/.test(value) ? `"${value}"` : `a string of ${value.length} characters`;
}

/** Control characters but tab and line feed; bidi overrides and marks; halves of characters. */
const INVISIBLE = /[^\P{Cc}\t\n]|\p{Bidi_Control}|\p{Surrogate}/gu;

/** Such characters can make a note read as something else than it says; on a half, servers stumble as often as it comes. */
function stripInvisible(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(INVISIBLE, '');
}
