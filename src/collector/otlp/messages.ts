import type { ToolCall } from '../../types.ts';
import { isObject } from '../inputs/json.ts';

/** What is read of a list of messages, or of whatever stands in its place. */
export interface Conversation {
  text: string | undefined;
  system: string | undefined;
  toolCalls: ToolCall[];
  /** As it was sent, parsed where it was JSON. */
  raw: unknown;
}

type Json = Record<string, unknown>;
type Side = 'user' | 'assistant';

/** A value that was sent as JSON text, or as it is. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{"]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/**
 * Reads an input (`user`) or output (`assistant`): a list of messages of any of the conventions, a body that has
 * such a list, an object with a text under a usual name, or a text.
 */
export function readConversation(value: unknown, side: Side): Conversation {
  const raw = parsed(value);
  const messages = messagesOf(raw);
  if (messages === undefined) {
    return { text: plainText(raw), system: systemOf(raw), toolCalls: [], raw };
  }
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer');
  return {
    text:
      joined(lastOf(messages, side).map(messageText)) ??
      joined(messages.slice(-1).map(messageText)),
    system: joined(system.map(messageText)) ?? systemOf(raw),
    toolCalls: messages.filter(({ role }) => role !== 'user').flatMap(toolCallsOf),
    raw,
  };
}

/** The last messages of one side, without what tools have said behind them. */
function lastOf(messages: readonly Json[], side: Side): Json[] {
  const isOf = ({ role }: Json) =>
    role === side || (side === 'assistant' && (role === undefined || role === 'model'));
  const end = messages.findLastIndex(isOf) + 1;
  let start = end;
  while (start > 0 && isOf(messages[start - 1] ?? {})) start--;
  return messages.slice(start, end);
}

function messagesOf(raw: unknown): Json[] | undefined {
  const list = Array.isArray(raw) ? raw : isObject(raw) ? raw.messages : undefined;
  if (!Array.isArray(list) || list.length === 0) return undefined;
  return list.every(isMessage) ? list : undefined;
}

function isMessage(value: unknown): value is Json {
  return (
    isObject(value) &&
    ('role' in value || 'parts' in value || 'content' in value || 'message' in value)
  );
}

function messageText(message: Json): string | undefined {
  // A choice has its message inside.
  if (
    message.content === undefined &&
    message.parts === undefined &&
    isObject(parsed(message.message))
  ) {
    return messageText(parsed(message.message) as Json);
  }
  return contentText(message.parts ?? parsed(message.content));
}

/** Texts alone: what tools were asked, thoughts and pictures are no text that somebody said. */
function contentText(content: unknown): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return isObject(content) ? textIn(content) : undefined;
  return joined(
    content.map((part) =>
      typeof part === 'string' ? part : isObject(part) ? textIn(part) : undefined,
    ),
  );
}

function textIn(part: Json): string | undefined {
  if (part.type !== undefined && !['text', 'input_text', 'output_text'].includes(String(part.type)))
    return undefined;
  const text = part.content ?? part.text;
  return typeof text === 'string' ? text : undefined;
}

function toolCallsOf(message: Json): ToolCall[] {
  const inner = parsed(message.message);
  const { parts, content, tool_calls: calls } = isObject(inner) ? inner : message;
  const inParts = [parts, parsed(content)].flatMap((list) => (Array.isArray(list) ? list : []));
  return [
    ...inParts.filter(
      (part) =>
        isObject(part) && ['tool_call', 'tool-call', 'tool_use'].includes(String(part.type)),
    ),
    ...(Array.isArray(calls) ? calls : []),
  ].flatMap(toolCallOf);
}

/** A call in whichever spelling; none where it has no name. */
function toolCallOf(call: unknown): ToolCall[] {
  if (!isObject(call)) return [];
  const inner = isObject(call.function) ? call.function : {};
  const name = [call.name, call.toolName, inner.name].find((found) => typeof found === 'string');
  if (typeof name !== 'string') return [];
  const passed = call.arguments ?? call.args ?? call.input ?? inner.arguments;
  return [{ name, ...(passed !== undefined && { arguments: passed }) }];
}

export function toolCallsIn(value: unknown): ToolCall[] {
  const list = parsed(value);
  return Array.isArray(list) ? list.flatMap(toolCallOf) : [];
}

const USUAL = [
  'prompt',
  'question',
  'query',
  'input',
  'message',
  'text',
  'content',
  'answer',
  'output',
  'response',
];

/** A text as it is; of an object the text under a usual name, else its JSON. */
function plainText(raw: unknown): string | undefined {
  if (raw === undefined || raw === null || raw === '') return undefined;
  if (typeof raw === 'string') return raw;
  if (isObject(raw)) {
    const found = USUAL.map((key) => raw[key]).find(
      (text) => typeof text === 'string' && text !== '',
    );
    if (typeof found === 'string') return found;
  }
  return JSON.stringify(raw);
}

function systemOf(raw: unknown): string | undefined {
  return isObject(raw) && typeof raw.system === 'string' ? raw.system : undefined;
}

export function joined(texts: readonly (string | undefined)[]): string | undefined {
  const found = texts.filter((text) => text !== undefined && text !== '');
  return found.length === 0 ? undefined : found.join('\n');
}
