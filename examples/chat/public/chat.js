import { ask } from './ask.js';
import { setUpComposer } from './composer.js';
import { setUpDrawer } from './drawer.js';
import { loadChats, newChat, removeChat, saveChat } from './store.js';
import { addMessage, showChat, showChats, showMessage } from './view.js';

/** What goes to the model of a long chat: its last messages. */
const MAX_SENT = 41;

const find = (id) => document.getElementById(id);

let chats = loadChats();
let current;
/** What ends the answer that a chat is waiting for. */
const answering = new Map();

const composer = setUpComposer({ onSend: send, onStop: () => answering.get(current?.id)?.abort() });
const drawer = setUpDrawer();

function send(text) {
  if (answering.has(current?.id)) return false;
  if (current === undefined) {
    current = newChat(text);
    chats.unshift(current);
    history.replaceState(null, '', `#/${current.id}`);
    showChat(current, retry);
  }
  add(current, { role: 'user', text });
  void answer(current);
  return true;
}

function retry() {
  if (answering.has(current?.id)) return;
  current.messages.pop();
  showChat(current, retry);
  void answer(current);
  leaveButton();
}

async function answer(chat) {
  const controller = new AbortController();
  answering.set(chat.id, controller);
  const asked = chat.messages.slice(-MAX_SENT).filter(({ text }) => text !== '');
  const reply = { role: 'assistant', text: '', state: 'answering' };
  add(chat, reply);
  touch(chat);
  say('Answering');
  try {
    const pieces = ask(
      chat.id,
      asked.map(({ role, text }) => ({ role, content: text })),
      { signal: controller.signal, onTask: (task) => Object.assign(reply, task) },
    );
    for await (const text of pieces) {
      reply.text += text;
      showMessage(reply);
    }
    if (reply.text === '') throw new Error('the answer is empty');
    reply.state = 'done';
    say('Answer complete');
  } catch (error) {
    if (controller.signal.aborted) {
      reply.state = 'stopped';
      say('Answer stopped');
    } else {
      reply.state = 'failed';
      say('The answer failed. You can try again.');
      console.warn(error);
    }
  }
  answering.delete(chat.id);
  showMessage(reply);
  if (chats.includes(chat)) saveChat(chat);
  composer.setBusy(answering.has(current?.id));
}

function add(chat, message) {
  chat.messages.push(message);
  if (chat === current) addMessage(message, retry);
}

/** Puts a chat in front, and keeps it. */
function touch(chat) {
  chat.usedAt = Date.now();
  chats = [chat, ...chats.filter((other) => other !== chat)];
  saveChat(chat);
  refresh();
}

function refresh() {
  showChats(chats, current?.id, confirmDelete);
  composer.setBusy(answering.has(current?.id));
}

/** Shows the chat that the address names, else a new one. */
function open() {
  const id = location.hash.replace(/^#\/?/, '');
  current = chats.find((chat) => chat.id === id);
  showChat(current, retry);
  refresh();
  drawer.close();
  if (hasKeyboard()) composer.focus();
}

/** On a phone, focus in the message box would open the keyboard over the chat. */
function hasKeyboard() {
  return matchMedia('(pointer: fine)').matches;
}

/** The button that asked is gone, and its focus must go somewhere. */
function leaveButton() {
  if (hasKeyboard()) composer.focus();
  else find('scroller').focus();
}

function confirmDelete(chat) {
  const dialog = find('confirm-delete');
  find('confirm-name').textContent = chat.title;
  dialog.returnValue = '';
  dialog.addEventListener('close', () => dialog.returnValue === 'delete' && remove(chat), {
    once: true,
  });
  dialog.showModal();
}

function remove(chat) {
  answering.get(chat.id)?.abort();
  chats = chats.filter((other) => other !== chat);
  removeChat(chat.id);
  say('Chat deleted');
  if (chat === current) {
    location.hash = '#/';
    return;
  }
  refresh();
  find('chats').querySelector('.new-chat').focus();
}

function say(text) {
  find('status').textContent = text;
}

find('suggestions').addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (button === null) return;
  send(button.textContent);
  leaveButton();
});
find('skip').addEventListener('click', (event) => {
  event.preventDefault();
  composer.focus();
});
for (const link of document.querySelectorAll('a[href="#/"]')) {
  // Where it is open already, the address does not change.
  link.addEventListener('click', () => location.hash === '#/' && open());
}
addEventListener('hashchange', open);
// Another tab has kept or deleted a chat. What is shown here stays as it is.
addEventListener('storage', () => {
  const ours = chats.filter((chat) => chat === current || answering.has(chat.id));
  const isOurs = ({ id }) => ours.some((chat) => chat.id === id);
  chats = [...ours, ...loadChats().filter((chat) => !isOurs(chat))];
  chats.sort((one, other) => other.usedAt - one.usedAt);
  refresh();
});
addEventListener('pagehide', () => {
  for (const chat of chats.filter(({ id }) => answering.has(id))) {
    saveChat(chat);
    answering.get(chat.id).abort();
  }
});
open();
