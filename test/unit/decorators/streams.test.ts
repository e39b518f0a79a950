import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable, Writable } from 'node:stream';
import { streamText } from 'ai';
import { MockLanguageModelV2, simulateReadableStream } from 'ai/test';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { outline, readAll, record, unhandledDuring } from '../../decorators/recording.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await turn();
}

function streamOf(...chunks: unknown[]): ReadableStream<unknown> {
  return new ReadableStream(
    {
      pull(controller) {
        if (chunks.length === 0) controller.close();
        else controller.enqueue(chunks.shift());
      },
    },
    { highWaterMark: 0 },
  );
}

/** DOM's types do not know that it can be iterated. */
function each<T>(stream: ReadableStream<T>): AsyncIterable<T> {
  return stream as never;
}

/** A stream that is fed by hand. */
function fed(): {
  stream: ReadableStream<unknown>;
  feed: ReadableStreamDefaultController<unknown>;
} {
  let feed!: ReadableStreamDefaultController<unknown>;
  const stream = new ReadableStream({
    start(controller) {
      feed = controller;
    },
  });
  return { stream, feed };
}

function chatEvent(content: string): string {
  const choices = [{ index: 0, delta: { content } }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'gpt-x', choices })}\n\n`;
}

describe('a ReadableStream behind a wrapped function', () => {
  it('has what its source logs as steps, however it is read, and what its reader logs as none', async () => {
    const recording = record();
    const { phospho } = recording;
    const step = phospho.wrap(async () => 'x', { name: 'step' });
    const beside = phospho.wrap(() => 'y', { name: 'beside' });
    const ask = phospho.wrap(
      () => {
        let left = 2;
        return new ReadableStream<string>(
          {
            async pull(controller) {
              await step();
              if (left-- > 0) controller.enqueue('piece ');
              else controller.close();
            },
          },
          { highWaterMark: 0 },
        );
      },
      { name: 'ask' },
    );
    for await (const _ of each(ask())) beside();
    await ask().pipeTo(new WritableStream({ write: () => void beside() }));
    for (const branch of ask().tee()) await readAll(branch as never);
    const events = await recording.events();
    const names = events.map((event) => event.metadata?.name);
    expect(names.filter((name) => name === 'ask')).toHaveLength(3);
    expect(names.filter((name) => name === 'beside')).toHaveLength(4);
    for (const event of events) {
      const isAsk = event.metadata?.name === 'ask';
      expect(outline(event)).toBe(isAsk ? 'step step step' : '');
    }
  });

  it('is not over when a reader gives it back in the middle of a read', async () => {
    const recording = record();
    const { stream, feed } = fed();
    recording.phospho.wrap(() => stream)();
    const first = stream.getReader();
    const waiting = first.read();
    first.releaseLock();
    await expect(waiting).rejects.toBeInstanceOf(TypeError);
    await expect(first.read()).rejects.toBeInstanceOf(TypeError);
    await expect(first.cancel()).rejects.toBeInstanceOf(TypeError);
    feed.enqueue('late');
    feed.close();
    expect(await readAll(stream as never)).toEqual(['late']);
    expect(await recording.event()).toMatchObject({
      output: 'late',
      metadata: { outcome: 'complete' },
    });
  });

  it('loses nothing to a pipe that is aborted while it waits', async () => {
    const recording = record();
    const { stream, feed } = fed();
    recording.phospho.wrap(() => stream)();
    const controller = new AbortController();
    const piped = stream.pipeTo(new WritableStream(), {
      preventCancel: true,
      signal: controller.signal,
    });
    await turns();
    controller.abort('stop');
    await expect(piped).rejects.toBe('stop');
    expect(stream.locked).toBe(false);
    feed.enqueue('late');
    feed.close();
    expect(await readAll(stream as never)).toEqual(['late']);
    expect(await recording.event()).toMatchObject({ output: 'late' });
  });

  it('passes its error on at once, also while the writer takes no more', async () => {
    const recording = record();
    const failure = new Error('the source');
    const run = async (stream: ReadableStream<unknown>, feed: { error(e: unknown): void }) => {
      const log: unknown[] = [];
      const end = new WritableStream({
        write: async (chunk) => {
          log.push(chunk);
          await turns();
        },
        abort: (reason) => void log.push(reason),
      });
      const piped = stream.pipeTo(end).catch((error: unknown) => error);
      await turn();
      feed.error(failure);
      log.push(await piped, stream.locked);
      return log;
    };
    const twin = fed();
    twin.feed.enqueue('a');
    const expected = await run(twin.stream, twin.feed);
    const { stream, feed } = fed();
    feed.enqueue('a');
    recording.phospho.wrap(() => stream)();
    expect(await run(stream, feed)).toEqual(expected);
    expect(expected).toContain(failure);
    expect(await recording.event()).toMatchObject({
      output: 'a',
      metadata: { outcome: 'error', error: 'Error: the source' },
    });
  });

  it('passes its end and its error on to branches that do not read on', async () => {
    const { phospho } = record();
    const failure = new Error('the source');
    const told = async (
      hand: (stream: ReadableStream<unknown>) => ReadableStream<unknown>,
      end: (feed: ReadableStreamDefaultController<unknown>) => void,
    ): Promise<unknown[]> => {
      const { stream, feed } = fed();
      const readers = hand(stream)
        .tee()
        .map((branch) => branch.getReader());
      feed.enqueue('a');
      const read = await readers[0]?.read();
      feed.enqueue('b');
      await turns();
      end(feed);
      await turns();
      const left = readers.map((reader) => reader.read().catch((error: unknown) => error));
      const closed = readers.map((reader) => reader.closed.catch((error: unknown) => error));
      const first = await Promise.race([closed[0], turns().then(() => 'open')]);
      return [read, await Promise.all(left), first];
    };
    const ends = [
      (feed: ReadableStreamDefaultController<unknown>) => feed.close(),
      (feed: ReadableStreamDefaultController<unknown>) => feed.error(failure),
    ];
    for (const end of ends) {
      const expected = await told((stream) => stream, end);
      expect(await told((stream) => phospho.wrap(() => stream)(), end)).toEqual(expected);
    }
  });

  it.each([
    ['read()', (stream: ReadableStream<unknown>) => void stream.getReader().read()],
    [
      'next()',
      (stream: ReadableStream<unknown>) => void each(stream)[Symbol.asyncIterator]().next(),
    ],
    ['pipeTo()', (stream: ReadableStream<unknown>) => void stream.pipeTo(new WritableStream())],
    [
      'pipeThrough()',
      (stream: ReadableStream<unknown>) => void stream.pipeThrough(new TransformStream()),
    ],
    ['tee()', (stream: ReadableStream<unknown>) => void stream.tee()],
    ['nothing', () => {}],
  ])('leaves an error that nobody handles to the host, as without us: by %s', async (_by, read) => {
    const recording = record();
    const failure = new Error('the source');
    const failing = (): ReadableStream<unknown> =>
      new ReadableStream({ pull: () => Promise.reject(failure) }, { highWaterMark: 0 });
    const bare = await unhandledDuring(() => read(failing()));
    const hand = recording.phospho.wrap(failing);
    expect(await unhandledDuring(() => read(hand()))).toEqual(bare);
  });

  it('waits for a slow writer as it does without us', async () => {
    const { phospho } = record();
    const pulledBy = async (hand: (stream: ReadableStream) => ReadableStream): Promise<number> => {
      let pulls = 0;
      const source = new ReadableStream({
        pull(controller) {
          pulls += 1;
          controller.enqueue(pulls);
        },
      });
      const stalled = new WritableStream({ write: () => new Promise(() => {}) });
      void hand(source).pipeTo(stalled);
      await turns();
      return pulls;
    };
    const bare = await pulledBy((stream) => stream);
    expect(await pulledBy((stream) => phospho.wrap(() => stream)())).toBe(bare);
  });

  it('is recorded as its bytes were when they passed', async () => {
    const recording = record();
    const buffer = bytes('first ');
    const stream = recording.phospho.wrap(() => streamOf(buffer, bytes('second')))();
    for await (const chunk of each(stream)) {
      (chunk as Uint8Array).fill(0);
      structuredClone(chunk, { transfer: [(chunk as Uint8Array).buffer as ArrayBuffer] });
    }
    expect(await recording.event()).toMatchObject({ output: 'first second' });
  });

  it('that is locked already is left alone, and so is a frozen one', async () => {
    const recording = record();
    const { phospho } = recording;
    const stream = streamOf('a');
    const reader = stream.getReader();
    const keys = Reflect.ownKeys(stream);
    expect(phospho.wrap(() => stream)()).toBe(stream);
    expect(Reflect.ownKeys(stream)).toEqual(keys);
    expect(await reader.read()).toEqual({ done: false, value: 'a' });
    const frozen = Object.freeze(streamOf('b'));
    expect(await readAll(phospho.wrap(() => frozen)() as never)).toEqual(['b']);
    const node = Object.freeze(new PassThrough());
    expect(phospho.wrap(() => node)()).toBe(node);
    const events = await recording.events();
    expect(events.map((event) => event.output)).toEqual(Array(3).fill('[stream]'));
  });

  it('handed out by many calls is recorded for each, and grows no layers', async () => {
    const recording = record();
    const stream = streamOf('a', 'b');
    const node = Readable.from(['a', 'b']);
    for (let i = 0; i < 500; i++) {
      recording.phospho.wrap(() => stream)();
      recording.phospho.wrap(() => node)();
    }
    expect(await readAll(stream as never)).toEqual(['a', 'b']);
    expect(await readAll(node)).toEqual(['a', 'b']);
    const events = await recording.events();
    expect(events).toHaveLength(1000);
    expect(events.every((event) => event.output === 'ab')).toBe(true);
  });

  it.each([
    ['events', [chatEvent('One '), chatEvent('two')].join(''), 'One two', 'gpt-x'],
    [
      'a long stream of events',
      Array.from({ length: 500 }, (_, i) => chatEvent(`${i} `)).join(''),
      Array.from({ length: 500 }, (_, i) => `${i} `).join(''),
      'gpt-x',
    ],
    [
      'JSON',
      JSON.stringify({
        object: 'chat.completion',
        model: 'gpt-x',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' } }],
      }),
      'Hi!',
      'gpt-x',
    ],
    [
      'lines of JSON',
      `${['a', 'b']
        .map((content) =>
          JSON.stringify({
            model: 'llama',
            created_at: '2026-01-01T00:00:00.000000Z',
            message: { role: 'assistant', content },
            done: content === 'b',
          }),
        )
        .join('\n')}\n`,
      'ab',
      'llama',
    ],
    ['plain text', 'dear reader, '.repeat(3_000), 'dear reader, '.repeat(3_000), undefined],
    [
      'text that breaks off within a character',
      'caf\u00e9'.repeat(2),
      'caf\u00e9caf\ufffd',
      undefined,
    ],
  ])('of bytes has the answer in them: %s', async (name, body, output, model) => {
    const recording = record();
    const all = Buffer.from(body);
    const sent = name.includes('breaks off') ? all.subarray(0, -1) : all;
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < sent.length; at += 777) chunks.push(sent.subarray(at, at + 777));
    const text = await new Response(
      recording.phospho.wrap(() => streamOf(...chunks))() as never,
    ).text();
    expect(text).toBe(new TextDecoder().decode(sent));
    const event = await recording.event();
    expect(event.output).toBe(output);
    expect(event.model ?? undefined).toBe(model);
  });

  it('of events that were decoded to text has the answer in them', async () => {
    const recording = record();
    const body = chatEvent('One ') + chatEvent('two');
    const decode = recording.phospho.wrap(() =>
      streamOf(bytes(body.slice(0, 70)), bytes(body.slice(70))).pipeThrough(
        new TextDecoderStream() as never,
      ),
    );
    expect((await readAll(decode() as never)).join('')).toBe(body);
    expect(await recording.event()).toMatchObject({ output: 'One two', model: 'gpt-x' });
  });

  it('of bytes that are no text is recorded by its length', async () => {
    const recording = record();
    const picture = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 13]);
    const ask = recording.phospho.wrap(() => streamOf(picture, picture));
    expect(await readAll(ask() as never)).toEqual([picture, picture]);
    expect(await recording.event()).toMatchObject({ output: '[16 bytes]' });
  });

  it('of more bytes than are kept passes whole, and says that its record is cut', async () => {
    const recording = record();
    const chunk = bytes('x'.repeat(1024 * 1024));
    const ask = recording.phospho.wrap(() => streamOf(...Array(9).fill(chunk)));
    let total = 0;
    for await (const piece of each(ask())) total += (piece as Uint8Array).byteLength;
    expect(total).toBe(9 * 1024 * 1024);
    expect((await recording.event()).metadata).toMatchObject({ response_cut: true });
  });

  it('shows bytes to `output` as their text', async () => {
    const recording = record();
    const given: unknown[] = [];
    const ask = recording.phospho.wrap(() => streamOf(bytes('Hi '), bytes('there')), {
      output: (items) => {
        given.push(items);
        return 'seen';
      },
    });
    await readAll(ask() as never);
    expect(await recording.event()).toMatchObject({ output: 'seen' });
    expect(given).toEqual([['Hi there']]);
  });

  it("of the AI SDK's is recorded as it is iterated, and as it is piped", async () => {
    const recording = record();
    const pieces = ['One ', 'two'];
    const ask = recording.phospho.wrap(
      () =>
        streamText({
          prompt: 'Count!',
          model: new MockLanguageModelV2({
            doStream: async () => ({
              stream: simulateReadableStream({
                chunks: [
                  { type: 'text-start', id: '1' },
                  ...pieces.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
                  { type: 'text-end', id: '1' },
                  {
                    type: 'finish',
                    finishReason: 'stop',
                    usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 },
                  },
                ],
              }),
            }),
          }),
        }).textStream,
    );
    expect(await readAll(ask())).toEqual(pieces);
    const taken: string[] = [];
    await ask().pipeTo(new WritableStream({ write: (piece) => void taken.push(piece) }));
    expect(taken).toEqual(pieces);
    for await (const _ of ask()) break;
    expect(
      (await recording.events()).map((event) => [event.output, event.metadata?.outcome]),
    ).toEqual([
      ['One two', 'complete'],
      ['One two', 'complete'],
      ['One ', 'aborted'],
    ]);
  });
});

describe('a stream of Node’s behind a wrapped function', () => {
  it('has what its source logs as steps, and what its listeners log as none', async () => {
    const recording = record();
    const { phospho } = recording;
    const step = phospho.wrap(async () => 'x', { name: 'step' });
    const heard = phospho.wrap(() => 'y', { name: 'heard' });
    const ask = phospho.wrap(
      () => {
        let left = 2;
        return new Readable({
          async read() {
            await step();
            this.push(left-- > 0 ? 'piece ' : null);
          },
        });
      },
      { name: 'ask' },
    );
    const stream = ask();
    stream.on('data', () => void heard());
    await once(stream, 'end');
    const events = await recording.events();
    expect(events.map((event) => event.metadata?.name).sort()).toEqual(['ask', 'heard', 'heard']);
    const task = events.find((event) => event.metadata?.name === 'ask');
    expect(outline(task!)).toBe('step step step');
    expect(task).toMatchObject({ output: 'piece piece ' });
  });

  it('keeps pieces of text apart only where they are objects', async () => {
    const recording = record();
    const body = chatEvent('One ') + chatEvent('two');
    const ask = recording.phospho.wrap((chunks: string[]) => {
      const stream = new PassThrough({ encoding: 'utf8' });
      for (const chunk of chunks) stream.write(chunk);
      stream.end();
      return stream;
    });
    await readAll(ask([body.slice(0, 50), body.slice(50)]));
    expect(await recording.event()).toMatchObject({ output: 'One two', model: 'gpt-x' });
  });

  it('that was over before is left alone, and so is a response that Express is to send', async () => {
    const recording = record();
    const over = Readable.from(['a']);
    await readAll(over);
    expect(recording.phospho.wrap(() => over)()).toBe(over);
    const end = new Writable();
    const keys = Reflect.ownKeys(end);
    expect(recording.phospho.wrap(() => end)()).toBe(end);
    expect(Reflect.ownKeys(end)).toEqual(keys);
    expect((await recording.events()).map((event) => event.output)).toEqual([
      '[stream]',
      '[stream]',
    ]);
  });
});

describe('what fetch answers, behind a wrapped function', () => {
  it('is recorded where its body is sent on by Express, and read from it', async () => {
    const recording = record();
    const model = createServer((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(chatEvent('One '));
      res.end(chatEvent('two'));
    }).listen(0);
    await once(model, 'listening');
    const url = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
    const ask = recording.phospho.wrap(async () => (await fetch(url)).body!, { name: 'body' });
    const whole = recording.phospho.wrap(() => fetch(url), { name: 'whole' });
    const app = express();
    app.get('/', async (_req, res) => {
      await (await ask()).pipeTo(Writable.toWeb(res));
    });
    const server = app.listen(0);
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const answer = await fetch(`http://127.0.0.1:${port}/`);
      const body = chatEvent('One ') + chatEvent('two');
      expect(await answer.text()).toBe(body);
      const response = await whole();
      expect(response).toBeInstanceOf(Response);
      expect(await response.text()).toBe(body);
      const refused = await whole();
      await refused.body?.cancel();
      const events = await recording.events();
      expect(events.map((each) => [each.output, each.model, each.metadata?.outcome])).toEqual([
        ['One two', 'gpt-x', 'complete'],
        ['One two', 'gpt-x', 'complete'],
        ['', undefined, 'aborted'],
      ]);
    } finally {
      for (const each of [model, server]) {
        each.closeAllConnections();
        each.close();
      }
    }
  });

  it('that has no body, or whose body was read before, is recorded by its status', async () => {
    const recording = record();
    const { phospho } = recording;
    phospho.wrap(() => new Response(null, { status: 204 }))();
    const read = new Response('x');
    await read.text();
    phospho.wrap(() => read)();
    expect((await recording.events()).map((event) => event.output)).toEqual([
      '[response 204]',
      '[response 200]',
    ]);
  });

  it('with a body that is no text is recorded by its length', async () => {
    const recording = record();
    const sound = new Response('RIFF-like text', { headers: { 'content-type': 'audio/wav' } });
    const buffer = await recording.phospho
      .wrap(() => sound)()
      .arrayBuffer();
    expect(buffer.byteLength).toBe(14);
    expect(await recording.event()).toMatchObject({ output: '[14 bytes]' });
  });

  it('of another make is recorded by what its methods give', async () => {
    const recording = record();
    class OwnResponse {
      status = 200;
      bodyUsed = false;
      body = undefined;
      headers = new Headers();
      text = async (): Promise<string> => 'own';
      arrayBuffer = async (): Promise<ArrayBuffer> => new ArrayBuffer(0);
    }
    const response = new OwnResponse();
    expect(
      await recording.phospho
        .wrap(() => response)()
        .text(),
    ).toBe('own');
    expect(await recording.event()).toMatchObject({ output: 'own' });
  });
});
