import { useEffect, useState } from 'react';

export interface Message {
  role: 'user' | 'assistant';
  content: string;
  /** Of answers that phospho recorded: whom a thumb is for, and what lets it pass. */
  taskId?: string;
  token?: string;
}

interface Chat {
  id: string;
  messages: Message[];
}

const KEY = 'react-example';

/**
 * One chat, kept through reloads, with its tokens: so thumbs can be given to earlier answers, for as long as the
 * tokens live (a day, and here no longer than the server, whose secret is made at its start). An app that keeps its
 * chats on a server makes fresh ones by `phospho.feedbackToken(taskId)` as it hands them out.
 */
export function useChat() {
  const [chat, setChat] = useState(load);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => localStorage.setItem(KEY, JSON.stringify(chat)), [chat]);

  async function ask(content: string): Promise<void> {
    const messages: Message[] = [...chat.messages, { role: 'user', content }];
    const show = (reply: Message): void => setChat({ ...chat, messages: [...messages, reply] });
    setBusy(true);
    try {
      await stream(chat.id, messages, show);
    } catch {
      show({ role: 'assistant', content: 'Sorry, no answer came.' });
    } finally {
      setBusy(false);
    }
  }
  return { messages: chat.messages, isBusy, ask };
}

async function stream(
  chatId: string,
  messages: readonly Message[],
  show: (reply: Message) => void,
): Promise<void> {
  const response = await fetch('/api/chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      session_id: chatId,
      messages: messages.map(({ role, content }) => ({ role, content })),
    }),
  });
  if (!response.ok || !response.body) throw new Error(`the app answered ${response.status}`);
  // They come with the head of the answer: thumbs can be given while it is still streaming.
  const reply: Message = {
    role: 'assistant',
    content: '',
    taskId: response.headers.get('X-Phospho-Task-Id') ?? '',
    token: response.headers.get('X-Phospho-Feedback-Token') ?? '',
  };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    reply.content += part.value;
    show({ ...reply });
  }
}

function load(): Chat {
  try {
    const { id, messages } = JSON.parse(localStorage.getItem(KEY) ?? '');
    if (typeof id === 'string' && Array.isArray(messages)) return { id, messages };
  } catch {
    // There was none yet.
  }
  return { id: `chat-${Date.now()}-${Math.random().toString(36).slice(2)}`, messages: [] };
}
