import type { Format, ResponseParts } from './format.ts';
import { isMessageList, lastOfRole } from './messages.ts';
import { asString } from './text.ts';

/** An answer that is a conversation: `{ messages: [{role, content}, …] }` whose last turn is the assistant's. */
export const messageList: Format = {
  name: 'message-list',
  response: ({ messages, model }) => {
    const parts = readAnswerList(messages);
    return parts && { ...parts, model: asString(model) };
  },
};

/** The same for the list itself. */
export function readAnswerList(messages: unknown): ResponseParts | undefined {
  if (!isMessageList(messages) || messages.at(-1)?.role !== 'assistant') return undefined;
  return { output: lastOfRole(messages, 'assistant') };
}
