import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import type { MiddlewareOptions } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { eventStream } from '../fixtures/openai-chat.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { listening } from '../helpers/servers.ts';

const ASKED = JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon in the rain?' }] });
const MiB = 1024 * 1024;

type Answer = (res: ServerResponse) => unknown;

/** An app that answers so, and what it has recorded. */
async function answering(answer: Answer, options?: MiddlewareOptions) {
  const { phospho, events } = testPhospho();
  const middleware = phospho.middleware(options);
  const port = await listening(
    createServer((req, res) =>
      middleware(req, res, async () => {
        await once(req.resume(), 'end');
        await answer(res);
      }),
    ),
  );
  const ask = async (body = ASKED): Promise<Buffer> => {
    const response = await fetch(`http://127.0.0.1:${port}/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    return Buffer.from(await response.arrayBuffer());
  };
  return { ask, events };
}

/** In pieces, between which the client is waited for: a process may answer many at once. */
async function send(res: ServerResponse, type: string, bytes: Buffer): Promise<void> {
  res.writeHead(200, { 'Content-Type': type });
  for (let at = 0; at < bytes.length; at += 65_536) {
    if (!res.write(bytes.subarray(at, at + 65_536))) await once(res, 'drain');
    await turn();
  }
  res.end();
}

describe('a body of more than 8 MiB', () => {
  const text = `from the beginning ${'x'.repeat(9 * MiB)} to the end`;

  it.each(['text/plain', 'application/json'])(
    'of the type %s arrives whole, and is recorded from its beginning, as cut, with its true size',
    async (type) => {
      const { ask, events } = await answering((res) => send(res, type, Buffer.from(text)));
      expect((await ask()).equals(Buffer.from(text))).toBe(true);
      const [event, ...others] = await events();
      expect(others).toEqual([]);
      expect(event?.output).toMatch(/^from the beginning x/);
      expect(event?.output).not.toMatch(/to the end/);
      expect(event?.metadata).toMatchObject({
        outcome: 'complete',
        response_bytes: text.length,
        response_cut: true,
      });
    },
  );

  it('that is a request reaches the handler, and is recorded as a parser has left it', async () => {
    const { phospho, events } = testPhospho();
    const middleware = phospho.middleware();
    let got = 0;
    const port = await listening(
      createServer((req, res) =>
        middleware(req, res, async () => {
          const chunks: Buffer[] = [];
          for await (const chunk of req) chunks.push(chunk);
          const body = Buffer.concat(chunks);
          got = body.length;
          Object.assign(req, { body: JSON.parse(body.toString()) });
          res.writeHead(200, { 'Content-Type': 'application/json' }).end('{"content":"a"}');
        }),
      ),
    );
    const body = JSON.stringify({ messages: [{ role: 'user', content: text }] });
    await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(got).toBe(body.length);
    const [event] = await events();
    expect(event?.input).toMatch(/^from the beginning x.* to the end$/s);
    expect(event?.output).toBe('a');
  });

  it('is given back to the 64 MiB that all bodies under way may have', async () => {
    let isBig = true;
    const { ask, events } = await answering((res) =>
      send(res, 'text/plain', Buffer.from(isBig ? text : 'x'.repeat(7 * MiB))),
    );
    for (let i = 0; i < 9; i++) await ask();
    isBig = false;
    await ask();
    const cuts = (await events()).map(({ metadata }) => metadata?.response_cut);
    expect(cuts).toEqual([...Array(9).fill(true), undefined]);
  });
});

it('bodies under way are kept up to 64 MiB in all: beyond, they are cut, and arrive whole', async () => {
  const all: ServerResponse[] = [];
  const body = 'x'.repeat(7 * MiB);
  const { ask, events } = await answering((res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write(body);
    all.push(res);
    if (all.length === 10) for (const each of all) each.end('.');
  });
  const got = await Promise.all(Array.from({ length: 10 }, () => ask()));
  expect(got.map(({ length }) => length)).toEqual(Array(10).fill(7 * MiB + 1));
  const recorded = await events();
  expect(recorded.filter(({ metadata }) => metadata?.response_cut)).toHaveLength(1);
  for (const { metadata } of recorded) expect(metadata?.response_bytes).toBe(7 * MiB + 1);
});

describe('a stream of more than 8 MiB that says little', () => {
  const pad = 'p'.repeat(9_000);
  const chunk = (content: string) => ({
    object: 'chat.completion.chunk',
    model: 'm',
    pad,
    choices: [{ index: 0, delta: { content } }],
  });
  const words = Array.from({ length: 1_000 }, (_, i) => `word ${i} `);
  const usage = { prompt_tokens: 3, completion_tokens: 1_000 };
  const events = eventStream([...words.map(chunk), { ...chunk(''), choices: [], usage }]);
  const line = (content: string, more: object = { done: false }) =>
    `${JSON.stringify({ model: 'm', created_at: '2026-01-01T00:00:00Z', pad, message: { role: 'assistant', content }, ...more })}\n`;
  const last = { done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 1_000 };
  const lines = words.map((word) => line(word)).join('') + line('', last);

  it.each([
    ['text/event-stream', events],
    ['application/x-ndjson', lines],
  ])('is recorded to its end: %s', async (type, sent) => {
    const { ask, events } = await answering((res) => send(res, type, Buffer.from(sent)));
    expect((await ask()).toString()).toBe(sent);
    const [event] = await events();
    expect(event).toMatchObject({ output: words.join(''), ...usage });
    expect(event?.metadata).toMatchObject({ response_bytes: sent.length });
    expect(event?.metadata).not.toHaveProperty('response_cut');
  });
});

it.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('an answer in %s that would become 64 MiB is not decoded', async (encoding, compress) => {
  const bomb = compress(Buffer.alloc(64 * MiB, 'x'));
  const { ask, events } = await answering((res) => {
    res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': encoding });
    res.end(bomb);
  });
  expect(await ask()).toHaveLength(64 * MiB);
  expect(await events()).toMatchObject([
    {
      output: null,
      metadata: { outcome: 'complete', response_bytes: bomb.length, response_undecoded: true },
    },
  ]);
});
