import express, { type Express, type Request, type Response } from 'express';
import type OpenAI from 'openai';
import type { Phospho } from 'phospho-express';
import { ChatService, type Message } from './chat-service.ts';

/**
 * A chat app as you might have one: `POST /api/chat` with `{ session_id, messages, model?, stream? }`
 * answers `{ content }`, or a stream of such pieces. All that phospho needs are the two lines that mount
 * it; session, input, output and timing are found by themselves.
 */
export function createChatApp(phospho: Phospho, openai: OpenAI): Express {
  const chat = new ChatService(openai);
  const app = express();

  app.use(phospho.router()); // POST /phospho/flag
  app.use(phospho.middleware()); // captures the exchanges below
  app.use(express.json({ limit: '1mb' }));

  app.get('/', (req, res) => {
    res.type('text').send(howTo(`${req.protocol}://${req.get('host')}`));
  });

  app.post('/api/chat', async (req, res) => {
    const { model = 'gpt-4o-mini', messages, stream = false, session_id: chatId } = req.body ?? {};
    if (!isMessageList(messages)) {
      res.status(400).json({ error: 'messages must be a list of { role, content }' });
      return;
    }
    // The reader may leave in the middle: then the model need not go on.
    const left = new AbortController();
    res.on('close', () => left.abort());
    try {
      const answer = chat.answer({ model, messages, chatId, signal: left.signal });
      await (stream ? sendStream(res, answer) : sendWhole(res, answer));
    } catch (error) {
      if (!left.signal.aborted) sendError(req, res, error);
    }
  });
  return app;
}

async function sendWhole(res: Response, answer: AsyncIterable<string>): Promise<void> {
  let content = '';
  for await (const text of answer) content += text;
  res.json({ content });
}

async function sendStream(res: Response, answer: AsyncIterable<string>): Promise<void> {
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  for await (const text of answer) res.write(`data: ${JSON.stringify({ content: text })}\n\n`);
  res.end('data: [DONE]\n\n');
}

function sendError(req: Request, res: Response, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`${req.method} ${req.path}: ${message}`);
  if (!res.headersSent) {
    res.status(502).json({ error: 'the model did not answer' });
    return;
  }
  res.end(`event: error\ndata: ${JSON.stringify({ error: 'the model broke off' })}\n\n`);
}

function isMessageList(value: unknown): value is Message[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((entry) => typeof entry?.role === 'string' && typeof entry?.content === 'string')
  );
}

function howTo(url: string): string {
  return `A chat app whose exchanges phospho-express captures.

Ask something (the answer's headers have X-Phospho-Task-Id and X-Phospho-Feedback-Token):
  curl -i ${url}/api/chat -H 'content-type: application/json' \\
    -d '{"session_id": "my-chat", "messages": [{"role": "user", "content": "Hello!"}], "stream": true}'

Give the answer a thumb:
  curl ${url}/phospho/flag -H 'content-type: application/json' \\
    -d '{"task_id": "…", "token": "…", "raw_flag": "👍", "notes": "spot on"}'
`;
}
