import { createServer, type Server } from 'node:http';
import { json } from 'node:stream/consumers';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Message } from './chat-service.ts';
import type { Conversation } from './conversations.ts';

export interface ReplayOptions {
  /** Time that each streamed word takes. Default: none. */
  msPerWord?: number;
}

interface ChatRequest {
  model: string;
  messages: Message[];
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  /** OpenAI keeps a conversation's cache under it; here it tells conversations with equal words apart. */
  prompt_cache_key?: string;
}

/**
 * A small OpenAI-compatible server, so that the demo needs no account: `POST /v1/chat/completions`,
 * streamed or not. It knows the given conversations, and gives a stock answer to everything else.
 */
export function createReplayServer(
  conversations: readonly Conversation[],
  { msPerWord = 0 }: ReplayOptions = {},
): Server {
  const answers = new Map<string, string>();
  for (const { session, turns } of conversations) {
    const messages: Message[] = [];
    for (const { input, output } of turns) {
      messages.push({ role: 'user', content: input });
      // Someone who asks the same in a conversation of their own is given the same answer.
      for (const key of [session, undefined]) answers.set(keyOf(key, messages), output);
      messages.push({ role: 'assistant', content: output });
    }
  }
  return createServer(async (req, res) => {
    try {
      if (req.method !== 'POST' || req.url !== '/v1/chat/completions') {
        res.writeHead(404, JSON_TYPE).end('{"error":{"message":"not found"}}');
        return;
      }
      const request = (await json(req)) as ChatRequest;
      const { prompt_cache_key: session, messages } = request;
      const known =
        answers.get(keyOf(session, messages)) ?? answers.get(keyOf(undefined, messages));
      const text = known ?? stockAnswer(request);
      if (!request.stream) {
        res.writeHead(200, JSON_TYPE).end(JSON.stringify(completionOf(request, text)));
        return;
      }
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const chunk of chunksOf(request, text)) {
        if (res.destroyed) return;
        res.write(`data: ${JSON.stringify(chunk)}\n\n`);
        await (msPerWord > 0 ? setTimeout(msPerWord) : setImmediate());
      }
      res.end('data: [DONE]\n\n');
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (!res.headersSent) res.writeHead(400, JSON_TYPE);
      res.end(JSON.stringify({ error: { message, type: 'invalid_request_error' } }));
    }
  });
}

const JSON_TYPE = { 'content-type': 'application/json' };

function keyOf(session: string | undefined, messages: readonly Message[]): string {
  return JSON.stringify([session, messages.map(({ role, content }) => [role, content])]);
}

function stockAnswer({ messages }: ChatRequest): string {
  const asked = messages.at(-1)?.content ?? '';
  const [line = ''] = asked.trim().split('\n');
  return `This is a replayed model: it has no answer of its own to “${line.slice(0, 80)}”. Set OPENAI_API_KEY (and OPENAI_BASE_URL, for another provider) before \`npm run demo\` to talk to a real one.`;
}

function completionOf(request: ChatRequest, content: string): object {
  return {
    ...envelope(request, 'chat.completion'),
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: usageOf(request, content),
  };
}

function chunksOf(request: ChatRequest, text: string): object[] {
  const chunkOf = (choices: object[], usage?: object): object => ({
    ...envelope(request, 'chat.completion.chunk'),
    choices,
    ...(usage ? { usage } : {}),
  });
  const chunk = (delta: object, finishReason: string | null): object =>
    chunkOf([{ index: 0, delta, finish_reason: finishReason }]);
  const words = text.match(/\s*\S+|\s+/g) ?? [];
  return [
    chunk({ role: 'assistant', content: '' }, null),
    ...words.map((content) => chunk({ content }, null)),
    chunk({}, 'stop'),
    ...(request.stream_options?.include_usage ? [chunkOf([], usageOf(request, text))] : []),
  ];
}

function envelope({ model }: ChatRequest, object: string): object {
  return { id: 'chatcmpl-replayed', object, created: Math.floor(Date.now() / 1000), model };
}

function usageOf({ messages }: ChatRequest, output: string): object {
  const prompt = messages.reduce((sum, { content }) => sum + roughTokens(content), 0);
  const completion = roughTokens(output);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}

/** By the rule of thumb: a token is about four bytes of text. */
function roughTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}
