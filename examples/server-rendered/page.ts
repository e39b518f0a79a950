import type { Turn } from './conversation.ts';

/** Each answer has its element, with the task's id and a token: that is all. */
export function renderPage(turns: readonly (Turn & { token: string })[]): string {
  const articles = turns.map(
    ({ question, answer, taskId, token }) => html`
    <article>
      <h2>${question}</h2>
      <p>${answer}</p>
      <phospho-feedback task-id="${taskId}" token="${token}"></phospho-feedback>
    </article>`,
  );
  return `<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <meta name="color-scheme" content="light dark">
  <title>About Australia</title>
  <link rel="stylesheet" href="/style.css">
  <script type="module" src="/phospho/widget.js"></script>
  <main>
    <h1>About Australia</h1>${articles.join('')}
    <form method="post" action="/ask">
      <label for="question">Question</label>
      <input id="question" name="question" maxlength="2000" required autocomplete="off">
      <button>Ask</button>
    </form>
  </main>
</html>`;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Markup with texts in it, which stay texts: also between double quotes. */
function html(markup: TemplateStringsArray, ...texts: string[]): string {
  return String.raw(
    { raw: markup },
    ...texts.map((text) => text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? char)),
  );
}
