import type { TaskContent } from '../../../../../types.ts';
import { isObject, textOf } from '../../text/json-text.ts';
import { type ToolCall, toolCallsOf } from './tool-calls.ts';

export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'image'; url: string | undefined }
  | { kind: 'other'; value: unknown };

export interface Message {
  role: string;
  parts: Part[];
  toolCalls: ToolCall[];
}

export interface Conversation {
  system: Message[];
  /** What was said before the answer; empty where the sender gave only the input's text. */
  messages: Message[];
}

/** The messages that the app sent to the model, where the task holds them. */
export function conversationOf(task: TaskContent): Conversation {
  const messages = listIn(task).flatMap((entry) => messageOf(entry) ?? []);
  const system = messages.filter(({ role }) => isSystem(role));
  const prompt = textOf(task.metadata?.system_prompt);
  if (system.length === 0 && prompt !== undefined) {
    system.push({ role: 'system', parts: [{ kind: 'text', text: prompt }], toolCalls: [] });
  }
  const said = messages.filter(({ role }) => !isSystem(role));
  return { system, messages: holds(said, task.input) ? said : [...said, inputOf(task)] };
}

function inputOf({ input }: TaskContent): Message {
  return { role: 'user', parts: [{ kind: 'text', text: input }], toolCalls: [] };
}

/** An app may have set an input of its own, which is then shown as well. */
function holds(messages: Message[], input: string): boolean {
  const text = input.trim();
  return messages.some(({ parts }) =>
    parts.some(
      (part) =>
        part.kind === 'text' &&
        part.text !== '' &&
        (part.text.includes(text) || text.includes(part.text.trim())),
    ),
  );
}

function listIn({ additional_input }: TaskContent): unknown[] {
  const list = additional_input?.messages ?? additional_input?.raw_input;
  return Array.isArray(list) ? list : [];
}

function messageOf(entry: unknown): Message | undefined {
  if (!isObject(entry) || typeof entry.role !== 'string') return undefined;
  return {
    role: entry.role,
    parts: partsOf(entry.content),
    toolCalls: toolCallsOf(entry.tool_calls),
  };
}

function partsOf(content: unknown): Part[] {
  if (content === null || content === undefined) return [];
  return (Array.isArray(content) ? content : [content]).map(partOf);
}

function partOf(part: unknown): Part {
  if (typeof part === 'string') return { kind: 'text', text: part };
  if (!isObject(part)) return { kind: 'other', value: part };
  if (typeof part.text === 'string') return { kind: 'text', text: part.text };
  if (part.type === 'image_url' || part.type === 'input_image') {
    const image = part.image_url;
    return { kind: 'image', url: textOf(isObject(image) ? image.url : image) };
  }
  return { kind: 'other', value: part };
}

function isSystem(role: string): boolean {
  return role === 'system' || role === 'developer';
}
