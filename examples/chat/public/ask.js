/**
 * Asks the app, and gives the answer's text piece by piece. `onTask` is told under which id phospho records
 * the exchange, and the token that a thumb for it needs.
 */
export async function* ask(chatId, messages, { signal, onTask }) {
  const response = await fetch('/api/chat', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ session_id: chatId, messages, stream: true }),
    signal,
  });
  if (!response.ok) throw new Error(`the app answered ${response.status}`);
  onTask({
    taskId: response.headers.get('X-Phospho-Task-Id'),
    token: response.headers.get('X-Phospho-Feedback-Token'),
  });
  for await (const { event, data } of readEvents(response.body)) {
    if (event === 'error') throw new Error(data);
    if (data === '[DONE]') return;
    const text = JSON.parse(data).choices[0]?.delta.content;
    if (text) yield text;
  }
  throw new Error('the answer ended without [DONE]');
}

/** The events of a `text/event-stream` body, wherever its bytes were cut on the way. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = '';
  let data = [];
  try {
    for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
      // A carriage return at the very end may be the first half of a line end.
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        const [, field, text] = /^([^:]*):? ?(.*)$/.exec(line);
        if (field === 'event') event = text;
        if (field === 'data') data.push(text);
        if (line !== '') continue;
        if (data.length > 0) yield { event, data: data.join('\n') };
        event = '';
        data = [];
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
