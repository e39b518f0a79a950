import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { completion } from '../fixtures/openai-chat.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { listening } from '../helpers/servers.ts';

const ASKED = JSON.stringify({ messages: [{ role: 'user', content: 'Lisbon in the rain?' }] });
const SSE = 'text/event-stream';

/** What our record says of an answer, and the bytes that the client got. */
async function recorded(answer: (res: ServerResponse) => unknown, asked = ASKED) {
  const { phospho, events } = testPhospho();
  const middleware = phospho.middleware();
  const port = await listening(
    createServer((req, res) =>
      middleware(req, res, async () => {
        await once(req.resume(), 'end');
        await answer(res);
      }),
    ),
  );
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: asked,
  });
  const wire = Buffer.from(await response.arrayBuffer());
  const [event, ...others] = await events();
  expect(others).toEqual([]);
  return { event, wire };
}

type Chunk = [chunk: string | Uint8Array, encoding?: BufferEncoding];

/** One text in each way that `write` and `end` take bytes. */
const WAYS: [string, (text: string) => Chunk][] = [
  ['a string', (text) => [text]],
  ['utf8', (text) => [text, 'utf8']],
  ['UTF-8 in capitals', (text) => [text, 'UTF-8' as BufferEncoding]],
  ['hex', (text) => [Buffer.from(text).toString('hex'), 'hex']],
  ['base64', (text) => [Buffer.from(text).toString('base64'), 'base64']],
  ['base64url', (text) => [Buffer.from(text).toString('base64url'), 'base64url']],
  ['latin1', (text) => [Buffer.from(text).toString('latin1'), 'latin1']],
  ['binary', (text) => [Buffer.from(text).toString('latin1'), 'binary']],
  ['a Buffer', (text) => [Buffer.from(text)]],
  ['a Buffer with an encoding, which says nothing', (text) => [Buffer.from(text), 'hex']],
  ['a Uint8Array', (text) => [new Uint8Array(Buffer.from(text))]],
  [
    'a Uint8Array within a larger buffer',
    (text) => [new Uint8Array(Buffer.from(`<<${text}>>`)).subarray(2, -2)],
  ],
];

const send = (res: ServerResponse, method: 'write' | 'end', chunk: Chunk): void =>
  void (res[method] as (...args: unknown[]) => unknown).apply(res, chunk);

const TEXT = 'É dia de chuva ☔, e 𝄞';

describe.each(WAYS)('an answer sent as %s', (_way, as) => {
  it.each(['write', 'end'] as const)('is recorded as it arrived, by %s', async (method) => {
    const { event, wire } = await recorded((res) => {
      res.setHeader('Content-Type', 'application/json');
      send(res, method, as(JSON.stringify({ content: TEXT })));
      if (method === 'write') res.end();
    });
    expect(JSON.parse(wire.toString())).toEqual({ content: TEXT });
    expect(event).toMatchObject({ output: TEXT, metadata: { response_bytes: wire.length } });
  });

  it("is known for a provider's, whatever was asked", async () => {
    const { event } = await recorded((res) => {
      send(res, 'end', as(JSON.stringify(completion)));
    }, '{}');
    expect(event).toMatchObject({ output: 'Lisbon is lovely, rain or shine.' });
  });

  it('is recorded as it arrived where it is a stream that became long', async () => {
    const words = Array.from({ length: 600 }, (_, i) => `${TEXT} ${i} `);
    const { event, wire } = await recorded(async (res) => {
      res.setHeader('Content-Type', SSE);
      for (const [at, word] of words.entries()) {
        // Text and bytes take turns, and pieces of more than a block are among them.
        const frame = `data: ${JSON.stringify({ content: word, pad: 'p'.repeat(at % 97 === 0 ? 9_000 : 9) })}\n\n`;
        send(res, 'write', at % 3 === 0 ? [frame] : as(frame));
        await turn();
      }
      res.end();
    });
    expect(event?.output).toBe(words.join(''));
    expect(event?.metadata).toMatchObject({ response_bytes: wire.length, streamed: true });
  });
});

it('a callback in place of chunk or encoding is no part of an answer', async () => {
  const called: string[] = [];
  const { event, wire } = await recorded((res) => {
    res.setHeader('Content-Type', 'text/plain');
    res.write('Take an ', () => called.push('write'));
    res.write('umbrella', 'utf8', () => called.push('encoded'));
    res.end(() => called.push('end'));
  });
  expect(wire.toString()).toBe('Take an umbrella');
  expect(event?.output).toBe('Take an umbrella');
  expect(called.sort()).toEqual(['encoded', 'end', 'write']);
});

it.each([
  ['text/plain; charset=ISO-8859-1', 'latin1'],
  ['text/plain; charset="utf-16le"', 'utf16le'],
  ['application/x-ndjson; charset=utf-16le', 'utf16le'],
] as const)('text of the type %s is read in its charset', async (type, encoding) => {
  const word = JSON.stringify({ content: 'É dia de chuva' });
  const text = `${word}\n`.repeat(600);
  const { event, wire } = await recorded(async (res) => {
    res.setHeader('Content-Type', type);
    for (let at = 0; at < text.length; at += 1_001) {
      res.write(text.slice(at, at + 1_001), encoding);
      await turn();
    }
    res.end();
  });
  expect(wire).toEqual(Buffer.from(text, encoding));
  expect(event?.output).toBe(type.startsWith('text') ? text : 'É dia de chuva'.repeat(600));
});

it('text in a charset that nobody knows is read as UTF-8', async () => {
  const { event } = await recorded((res) => {
    res.setHeader('Content-Type', 'text/plain; charset=klingon');
    res.end(Buffer.from('É dia'));
  });
  expect(event?.output).toBe('É dia');
});
