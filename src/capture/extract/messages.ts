import type { JsonObject } from '../../types.ts';
import type { RequestParts } from './format.ts';
import { anyText, asString, contentText, isObject } from './text.ts';

interface Message extends JsonObject {
  role: string;
}

/** A list in which every entry has a role, with at least one entry. */
export function isMessageList(value: unknown): value is Message[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((entry) => isObject(entry) && typeof entry.role === 'string')
  );
}

/** Whether `readChatRequest` recognises it. */
export function isChatRequest(body: JsonObject): body is JsonObject & { messages: Message[] } {
  return isMessageList(body.messages);
}

const SYSTEM_ROLES = new Set(['system', 'developer']);

/**
 * A chat body: `messages: [{role, content}]`, as OpenAI's chat API has it and most apps copy it. The input
 * is the last message's text; system messages become the system prompt.
 */
export function readChatRequest(body: JsonObject): RequestParts | undefined {
  if (!isChatRequest(body)) return undefined;
  const last = body.messages[body.messages.length - 1];
  const system = body.messages
    .filter((message) => SYSTEM_ROLES.has(message.role))
    .map((message) => contentText(message.content, '\n'))
    .join('\n');
  return {
    input: last ? messageText(last) : '',
    systemPrompt: system || asString(body.system) || asString(body.system_prompt),
    model: asString(body.model),
  };
}

/** The last messages in a row that have this role, as one text. */
export function lastOfRole(messages: readonly Message[], role: string): string {
  const texts: string[] = [];
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (message?.role === role) texts.unshift(messageText(message));
    else if (texts.length > 0) break;
  }
  return texts.join('\n');
}

function messageText(message: Message): string {
  const text = contentText(message.content, '\n');
  if (text !== '' || typeof message.content === 'string') return text;
  // A last message without text (an image, a tool's result): its content, readable.
  return message.content === undefined || message.content === null ? '' : anyText(message.content);
}
