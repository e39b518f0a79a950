import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** What a judge was asked. */
export interface Asked {
  headers: IncomingMessage['headers'];
  body: {
    model: string;
    messages: { role: string; content: string }[];
    response_format?: { type: string };
  };
  /** The texts between the marks, as the model sees them. */
  first: string;
  second: string;
}

/** What it does: a verdict, or anything that a server may do. */
export type Reply = object | string | ((res: ServerResponse, asked: Asked) => void);

/** A chat completion with this text. */
export function said(content: string, choice: object = {}): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    choices: [
      { index: 0, finish_reason: 'stop', message: { role: 'assistant', content }, ...choice },
    ],
  };
}

export function verdict(word: string, reason = 'because'): object {
  return said(JSON.stringify({ reason, verdict: word }));
}

/** A judge that always finds the answer better that has this text in it. */
export function prefers(text: string): (asked: Asked) => Reply {
  return ({ first }) => verdict(first.includes(text) ? 'first' : 'second');
}

/** An OpenAI-compatible server that answers as told, and keeps what it was asked. */
export async function startJudge(reply: (asked: Asked, count: number) => Reply): Promise<{
  baseUrl: string;
  asked: Asked[];
}> {
  const asked: Asked[] = [];
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Asked['body'];
      const user = body.messages.at(-1)?.content ?? '';
      const between = (name: string) =>
        new RegExp(`<${name} (\\S+)>\\n(.*)\\n</${name} \\1>`, 's').exec(user)?.[2] ?? '';
      const one: Asked = {
        headers: req.headers,
        body,
        first: between('first_answer'),
        second: between('second_answer'),
      };
      asked.push(one);
      const made = req.url === '/v1/chat/completions' ? reply(one, asked.length) : 'no such path';
      if (typeof made === 'function') made(res, one);
      else {
        res.setHeader('content-type', 'application/json');
        res.end(typeof made === 'string' ? made : JSON.stringify(made));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked };
}

/** An error as OpenAI words it. */
export function refuses(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Reply {
  return (res) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(JSON.stringify({ error: { message } }));
  };
}
