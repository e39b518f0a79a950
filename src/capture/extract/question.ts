import type { JsonObject } from '../../types.ts';
import { asString, contentText, isObject } from './text.ts';

/** One turn of a conversation, whatever its provider calls the parts. */
export interface Turn {
  role: string;
  /** A text, or a list of parts. */
  content: unknown;
}

const USER_ROLES = new Set(['user', 'human']);
const SYSTEM_ROLES = new Set(['system', 'developer']);

/**
 * What was asked: the last turn of the user's that says something. Between it and the end there may be tool
 * calls and their results, which providers send as turns too. Without one, the last turn.
 */
export function questionOf(turns: readonly Turn[]): string {
  for (let i = turns.length - 1; i >= 0; i--) {
    const turn = turns[i];
    const text = turn && USER_ROLES.has(turn.role.toLowerCase()) ? askedText(turn.content) : '';
    if (text !== '') return text;
  }
  const last = turns[turns.length - 1];
  return last ? askedText(last.content) || toolText(last.content) : '';
}

/** What the system turns say, in order. */
export function systemOf(turns: readonly Turn[]): string {
  return turns
    .filter(({ role }) => SYSTEM_ROLES.has(role.toLowerCase()))
    .map(({ content }) => contentText(content, '\n'))
    .join('\n');
}

/** The text of a content, and for each part that is none a marker such as `[image]`. */
export function askedText(content: unknown): string {
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content : isObject(content) ? [content] : [];
  return parts
    .map(partText)
    .filter((text) => text !== '')
    .join('\n');
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part;
  if (!isObject(part)) return '';
  if (typeof part.text === 'string') return part.text;
  const kind = kindOfPart(part);
  return kind === undefined ? '' : `[${kind}]`;
}

const TOOL_PART = /^(tool|function|mcp)|_(call|result|output)$|^(step-start|thinking|reasoning)/;

/** Gemini's, as its two spellings have them. */
const TOOL_KEYS = ['functionCall', 'function_call', 'functionResponse', 'function_response'];

/** `image`, `audio`, `video` or `file`, however the part says it; undefined for results of tools. */
function kindOfPart(part: JsonObject): string | undefined {
  const type = asString(part.type) ?? '';
  if (TOOL_PART.test(type) || TOOL_KEYS.some((key) => key in part)) return undefined;
  const data = [part.inlineData, part.inline_data, part.fileData, part.file_data].find(isObject);
  const mime = [data?.mimeType, data?.mime_type, part.mediaType, part.mimeType].find(
    (value) => typeof value === 'string',
  );
  const said = `${type} ${asString(mime) ?? ''} ${Object.keys(part).slice(0, 8).join(' ')}`;
  const kind = /image|audio|video/i.exec(said)?.[0]?.toLowerCase();
  if (kind !== undefined) return kind;
  return data || /file|document/i.test(said) ? 'file' : type || 'part';
}

/** The result of a tool, as its text. */
function toolText(content: unknown): string {
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => {
      if (!isObject(part)) return '';
      return contentText(part.content ?? part.output, '\n');
    })
    .filter((text) => text !== '')
    .join('\n');
}
