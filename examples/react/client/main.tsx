import { type FormEvent, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Feedback } from './feedback.tsx';
import { useChat } from './use-chat.ts';

function Chat() {
  const { messages, isBusy, ask } = useChat();

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const form = event.currentTarget;
    const question = String(new FormData(form).get('question') ?? '').trim();
    if (question === '' || isBusy) return;
    form.reset();
    void ask(question);
  }

  return (
    <main>
      <h1>A chat in React</h1>
      {messages.map(({ role, content, taskId, token }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: messages are only ever added at the end
        <article key={index} className={role}>
          <h2>{role === 'user' ? 'You' : 'Assistant'}</h2>
          <p>{content}</p>
          {taskId && token && <Feedback taskId={taskId} token={token} />}
        </article>
      ))}
      <form onSubmit={submit}>
        <label>
          Message <input name="question" autoComplete="off" />
        </label>
        <button type="submit" disabled={isBusy}>
          Send
        </button>
      </form>
    </main>
  );
}

const place = document.getElementById('app');
if (place) {
  createRoot(place).render(
    <StrictMode>
      <Chat />
    </StrictMode>,
  );
}
