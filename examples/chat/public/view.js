import { richText } from './rich-text.js';

const find = (id) => document.getElementById(id);
const clone = (id) => find(id).content.firstElementChild.cloneNode(true);

const list = find('chat-list');
const messages = find('messages');
const scroller = find('scroller');
const latest = find('latest');

/** The article that shows a message, while it is shown. */
const articles = new WeakMap();

export function showChats(chats, currentId, onDelete) {
  list.replaceChildren(
    ...chats.map((chat) => {
      const item = clone('chat-template');
      const [link, button] = item.children;
      link.textContent = chat.title;
      link.href = `#/${chat.id}`;
      if (chat.id === currentId) link.ariaCurrent = 'page';
      button.ariaLabel = `Delete “${chat.title}”`;
      button.addEventListener('click', () => onDelete(chat));
      return item;
    }),
  );
}

export function showChat(chat, onRetry) {
  const title = chat?.title ?? 'New chat';
  document.title = title;
  find('title').textContent = title;
  find('welcome').hidden = chat !== undefined;
  messages.replaceChildren();
  for (const message of chat?.messages ?? []) addMessage(message, onRetry);
  scrollToEnd();
}

export function addMessage(message, onRetry) {
  const article = clone('message-template');
  article.classList.add(message.role);
  if (message.role === 'user') article.querySelector('h2').textContent = 'You';
  article.querySelector('.retry').addEventListener('click', onRetry);
  articles.set(message, article);
  messages.append(article);
  showMessage(message);
  scrollToEnd();
}

/** Brings what is shown of a message up to date; nothing, where another chat is shown. */
export function showMessage(message) {
  const article = articles.get(message);
  if (!article?.isConnected) return;
  const { state = 'done', text } = message;
  const shown = article.querySelector('.text');
  if (message.role === 'user') shown.textContent = text;
  else showAnswer(shown, text);
  article.dataset.state = state;
  article.ariaBusy = String(state === 'answering');
  const problem = problemOf(state, text);
  article.querySelector('.problem').hidden = problem === undefined;
  article.querySelector('.problem-text').textContent = problem ?? '';
  if (state === 'done' || state === 'stopped') showFeedback(article, message);
}

/** What has not changed is left alone, and with it what the reader has selected there. */
function showAnswer(shown, text) {
  const blocks = [...richText(text).children];
  for (const [index, block] of blocks.entries()) {
    const old = shown.children[index];
    if (old === undefined) shown.append(block);
    else if (!old.isEqualNode(block)) old.replaceWith(block);
  }
  while (shown.children.length > blocks.length) shown.lastElementChild.remove();
}

function problemOf(state, text) {
  if (state === 'stopped') return 'Stopped.';
  if (state !== 'failed') return undefined;
  return text === ''
    ? 'Sorry, no answer came. Your message is kept.'
    : 'Sorry, the answer broke off here.';
}

/** Hides itself where there is nothing to give feedback on, and remembers the thumb by itself. */
function showFeedback(article, { taskId, token }) {
  if (!taskId || !token) return;
  const feedback = document.createElement('phospho-feedback');
  feedback.setAttribute('task-id', taskId);
  feedback.setAttribute('token', token);
  article.querySelector('.feedback').replaceChildren(feedback);
}

function scrollToEnd() {
  follows = true;
  scroller.scrollTop = scroller.scrollHeight;
}

/** Whoever has scrolled up is left in peace. */
let follows = true;
let lastTop = 0;

function look() {
  const { scrollTop, scrollHeight, clientHeight } = scroller;
  if (scrollHeight - clientHeight - scrollTop < 40) follows = true;
  // Only the reader scrolls up: a gap alone may be text that has just come.
  else if (scrollTop < lastTop) follows = false;
  lastTop = scrollTop;
  latest.hidden = follows;
}

const onResize = new ResizeObserver(() => {
  if (follows) scrollToEnd();
  look();
});
for (const element of [messages, scroller]) onResize.observe(element);
scroller.addEventListener('scroll', look, { passive: true });
latest.addEventListener('click', () => {
  scrollToEnd();
  scroller.focus();
});
