import express from 'express';
import fc from 'fast-check';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { chunks, completion, eventStream } from '../fixtures/openai-chat.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { bytesOf, hasRecordings, recordings } from '../helpers/recordings.ts';

const ASKED = { messages: [{ role: 'user', content: 'Invent a holiday.' }] };

/** Sends the bytes in pieces cut at these places, and answers the one event that comes of it. */
async function replay(contentType: string, bytes: Buffer, cuts: readonly number[]) {
  const { phospho, events } = testPhospho();
  const app = express();
  app.use(phospho.middleware());
  app.post('/', (_req, res) => {
    res.set('Content-Type', contentType);
    let from = 0;
    for (const cut of [...cuts].sort((a, b) => a - b)) {
      res.write(bytes.subarray(from, cut));
      from = cut;
    }
    res.end(bytes.subarray(from));
  });
  const response = await request(app)
    .post('/')
    .send(ASKED)
    .buffer(true)
    .parse((res, done) => {
      const body: Buffer[] = [];
      res.on('data', (chunk: Buffer) => body.push(chunk));
      res.on('end', () => done(null, Buffer.concat(body)));
    });
  expect(Buffer.compare(response.body, bytes)).toBe(0);
  const [event, ...others] = await events();
  expect(others).toEqual([]);
  return event;
}

const cutsOf = (length: number) => fc.array(fc.integer({ min: 0, max: length }), { maxLength: 60 });

describe.skipIf(!hasRecordings)(
  hasRecordings
    ? 'recorded answers of each format'
    : 'recorded answers of each format (SKIPPED: ../shared/data/recordings is not here)',
  () => {
    it('are here', () => expect(recordings.length).toBeGreaterThanOrEqual(34));

    it.each(recordings.map((recording) => [recording.file, recording] as const))(
      '%s gives output, model and usage, however it is cut',
      async (_file, recording) => {
        const bytes = bytesOf(recording);
        await fc.assert(
          fc.asyncProperty(cutsOf(bytes.length), async (cuts) => {
            const event = await replay(recording.content_type, bytes, cuts);
            const { prompt_tokens, completion_tokens, total_tokens } = event ?? {};
            expect({
              output: event?.output,
              model: event?.model,
              usage: { prompt_tokens, completion_tokens, total_tokens },
              tool_calls: toolNames(event?.metadata?.tool_calls),
              finish: event?.metadata?.finish_reason,
            }).toEqual({
              output: recording.output,
              model: recording.model ?? undefined,
              usage: recording.usage,
              tool_calls: recording.tool_calls,
              finish: recording.finish,
            });
          }),
          { numRuns: 10 },
        );
      },
    );
  },
);

describe('answers of our own, cut anywhere', () => {
  it.each(['\n', '\r\n', '\r'])('a stream with %j as its line end', async (lineEnd) => {
    const bytes = Buffer.from(eventStream(chunks, lineEnd));
    for (let cut = 0; cut <= bytes.length; cut += 7) {
      expect(await replay('text/event-stream', bytes, [cut])).toMatchObject({
        output: 'Lisbon is lovely, rain or shine.',
        total_tokens: 30,
      });
    }
  });

  it('texts of any kind, in JSON and in a stream', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        async (text, streamed, places) => {
          const body = streamed
            ? eventStream([{ ...chunks[0], choices: [{ index: 0, delta: { content: text } }] }])
            : JSON.stringify({
                ...completion,
                choices: [{ index: 0, message: { role: 'assistant', content: text } }],
              });
          const bytes = Buffer.from(body);
          const cuts = [...places.take(5)].map((place) => place % bytes.length);
          const type = streamed ? 'text/event-stream' : 'application/json';
          expect((await replay(type, bytes, cuts))?.output).toBe(text);
        },
      ),
      { numRuns: 60 },
    );
  });
});

function toolNames(calls: unknown): string[] {
  return Array.isArray(calls) ? calls.map(({ name }) => name) : [];
}
