import express, { type Express, type Request, type Response } from 'express';
import type OpenAI from 'openai';
import type { Phospho } from 'phospho-express';
import { ChatService, type Chunk, type Message } from './chat-service.ts';
import { completionOf } from './completion.ts';
import { chatPage } from './page.ts';

/**
 * A chat app as you might have one: a page, and `POST /api/chat` with `{ session_id, messages, model?,
 * stream? }`, which answers in OpenAI's format, whole or streamed. All that phospho needs are the two lines
 * that mount it; session, input, output, model, tokens and timing are found by themselves.
 */
export function createChatApp(phospho: Phospho, openai: OpenAI): Express {
  const chat = new ChatService(openai);
  const app = express();

  app.use(phospho.router()); // POST /phospho/flag, GET /phospho/widget.js
  app.use(phospho.middleware()); // captures the exchanges below
  app.use(express.json({ limit: '1mb' }));
  app.use(chatPage());

  app.post('/api/chat', async (req, res) => {
    const { messages, stream = false, session_id: chatId } = req.body ?? {};
    const model = req.body?.model ?? process.env.OPENAI_MODEL ?? 'gpt-4o-mini';
    if (!isMessageList(messages)) {
      res.status(400).json({ error: 'messages must be a list of { role, content }' });
      return;
    }
    // The reader may leave in the middle: then the model need not go on.
    const left = new AbortController();
    res.on('close', () => left.abort());
    try {
      const answer = chat.answer({ model, messages, chatId, signal: left.signal });
      if (stream) await sendStream(res, answer);
      else res.json(await completionOf(answer));
    } catch (error) {
      if (!left.signal.aborted) sendError(req, res, error);
    }
  });
  return app;
}

async function sendStream(res: Response, answer: AsyncIterable<Chunk>): Promise<void> {
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  for await (const chunk of answer) res.write(`data: ${JSON.stringify(chunk)}\n\n`);
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
