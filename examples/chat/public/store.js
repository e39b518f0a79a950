/**
 * Chats in localStorage, an item each, so that two tabs do not overwrite each other's. A chat is
 * `{ id, title, usedAt, messages }`, a message
 * `{ role, text, state?: 'answering' | 'done' | 'stopped' | 'failed', taskId?, token? }`.
 */
const PREFIX = 'chat:';
const MAX_CHATS = 50;
const MAX_TITLE = 80;

export function newChat(firstMessage) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const [firstLine] = firstMessage.trim().split('\n');
  return {
    id: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    title: Array.from(firstLine).slice(0, MAX_TITLE).join(''),
    usedAt: Date.now(),
    messages: [],
  };
}

/** The most recently used first. What is not a chat is passed over. */
export function loadChats() {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX))
      .map((key) => readChat(localStorage.getItem(key)))
      .filter((chat) => chat !== undefined)
      .sort((one, other) => other.usedAt - one.usedAt);
  } catch {
    return []; // storage is turned off: chats last as long as the page
  }
}

/** Where there is no room left, the least recently used chats make some. */
export function saveChat(chat) {
  const others = loadChats().filter(({ id }) => id !== chat.id);
  for (const { id } of others.splice(MAX_CHATS - 1)) removeChat(id);
  for (;;) {
    try {
      localStorage.setItem(PREFIX + chat.id, JSON.stringify(chat));
      return;
    } catch {
      const oldest = others.pop();
      if (oldest === undefined) return;
      removeChat(oldest.id);
    }
  }
}

export function removeChat(id) {
  try {
    localStorage.removeItem(PREFIX + id);
  } catch {
    // It was never stored either.
  }
}

function readChat(json) {
  try {
    const { id, title, usedAt, messages } = JSON.parse(json);
    if (typeof id !== 'string' || typeof title !== 'string' || !Number.isFinite(usedAt)) return;
    if (!Array.isArray(messages) || !messages.every(isMessage)) return;
    // The page that was reading this answer is gone.
    for (const message of messages) if (message.state === 'answering') message.state = 'stopped';
    return { id, title, usedAt, messages };
  } catch {
    return;
  }
}

function isMessage(value) {
  return ['user', 'assistant'].includes(value?.role) && typeof value.text === 'string';
}
