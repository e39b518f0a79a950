import type { JsonObject } from '../../types.ts';
import type { Format, RequestParts } from './format.ts';
import { questionOf, systemOf, type Turn } from './question.ts';
import { asString, contentText, isObject } from './text.ts';

interface Message extends JsonObject {
  role: string;
}

/** A list in which every entry has a role, with at least one entry. */
export function isMessageList(value: unknown): value is Message[] {
  return (
    Array.isArray(value) &&
    // Of a list of holes, which `every` passes over, the first is none either.
    isObject(value[0]) &&
    value.every((entry) => isObject(entry) && typeof entry.role === 'string')
  );
}

const ROLES = new Set([
  'user',
  'human',
  'assistant',
  'ai',
  'system',
  'developer',
  'tool',
  'function',
]);

/** A bare list of messages. Other lists have roles too: a team's members, say. */
export function isTurnList(value: unknown): value is Message[] {
  return (
    isMessageList(value) &&
    value.every((entry) => ROLES.has(entry.role) && ('content' in entry || 'parts' in entry))
  );
}

/** A chat's roles may be anybody's; members of a team have roles as well, and say nothing. */
function isChatRequest(body: JsonObject): body is JsonObject & { messages: Message[] } {
  return isMessageList(body.messages) && body.messages.some(isSaid);
}

function isSaid(message: Message): boolean {
  if ('content' in message || 'parts' in message) return true;
  return typeof message.text === 'string' && ROLES.has(message.role.toLowerCase());
}

/**
 * A chat body: `messages: [{role, content}]`, as OpenAI, Anthropic, Cohere, Ollama and most apps have it, or
 * `parts` (the Vercel AI SDK) or `text` (Deep Chat) in place of `content`.
 */
export const chatRequest: Format = {
  name: 'chat-request',
  isRequest: isChatRequest,
  request: (body) => (isChatRequest(body) ? readChatRequest(body) : undefined),
};

function readChatRequest(body: JsonObject & { messages: Message[] }): RequestParts {
  const turns = turnsOf(body.messages);
  return {
    input: questionOf(turns),
    systemPrompt:
      systemOf(turns) ||
      contentText(body.system, '\n') ||
      asString(body.system_prompt) ||
      asString(body.instructions),
    model: asString(body.model),
  };
}

/** What a bare list of messages asks. */
export function readMessageList(messages: readonly Message[]): RequestParts {
  const turns = turnsOf(messages);
  return { input: questionOf(turns), systemPrompt: systemOf(turns) || undefined };
}

function turnsOf(messages: readonly Message[]): Turn[] {
  return messages.map(({ role, content, parts, text }) => ({
    role,
    content: content ?? parts ?? text,
  }));
}

/** The last messages in a row that have this role, as one text. */
export function lastOfRole(messages: readonly Message[], role: string): string {
  const texts: string[] = [];
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (message?.role === role) texts.unshift(contentText(message.content ?? message.parts, '\n'));
    else if (texts.length > 0) break;
  }
  return texts.join('\n');
}
