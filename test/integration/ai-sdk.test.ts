import {
  createUIMessageStream,
  pipeUIMessageStreamToResponse,
  simulateReadableStream,
  stepCountIs,
  streamText,
  tool,
} from 'ai';
import { MockLanguageModelV2 } from 'ai/test';
import type { Response } from 'express';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answeringApp, post } from '../helpers/answering-app.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = {
  id: 'chat-1',
  messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'Rain in Lisbon?' }] }],
};
const usage = (inputTokens: number, outputTokens: number) => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
});

type Streamed = Awaited<ReturnType<MockLanguageModelV2['doStream']>>;
type Chunk = Streamed['stream'] extends ReadableStream<infer C> ? C : never;

/** A model that asks for a tool, then answers. */
function model(): MockLanguageModelV2 {
  const steps: Chunk[][] = [
    [
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: 'I should look.' },
      { type: 'reasoning-end', id: 'r' },
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'Let me see. ' },
      { type: 'text-end', id: 't' },
      { type: 'tool-call', toolCallId: 'c1', toolName: 'weather', input: '{"at":"Lisboa"}' },
      { type: 'finish', finishReason: 'tool-calls', usage: usage(10, 5) },
    ],
    [
      { type: 'text-start', id: 't' },
      { type: 'text-delta', id: 't', delta: 'It ' },
      { type: 'text-delta', id: 't', delta: 'rains.' },
      { type: 'text-end', id: 't' },
      { type: 'finish', finishReason: 'stop', usage: usage(20, 6) },
    ],
  ];
  let step = 0;
  return new MockLanguageModelV2({
    modelId: 'mock-1',
    doStream: async () => {
      const chunks = steps[step++] ?? [];
      return { stream: simulateReadableStream({ chunks, chunkDelayInMs: null }) };
    },
  });
}

const ask = () =>
  streamText({
    model: model(),
    prompt: 'Rain in Lisbon?',
    stopWhen: stepCountIs(3),
    tools: {
      weather: tool({
        inputSchema: z.object({ at: z.string() }),
        execute: async () => ({ rain: true }),
      }),
    },
  });

async function exchanged(answer: (res: Response) => void, asked: object = ASKED) {
  const { phospho, events } = testPhospho();
  await post(answeringApp(phospho, answer), '/', asked);
  return events();
}

const READ = {
  input: 'Rain in Lisbon?',
  output: 'Let me see. It rains.',
  metadata: {
    outcome: 'complete',
    streamed: true,
    reasoning: 'I should look.',
    tool_calls: [{ name: 'weather', arguments: { at: 'Lisboa' } }],
  },
};

describe('the Vercel AI SDK itself', () => {
  it("streamText as useChat's answer, with a tool between two steps", async () => {
    const [event] = await exchanged((res) =>
      ask().pipeUIMessageStreamToResponse(res, {
        messageMetadata: ({ part }) =>
          part.type === 'start'
            ? { model: 'mock-1' }
            : part.type === 'finish'
              ? { totalUsage: part.totalUsage, finishReason: part.finishReason }
              : undefined,
      }),
    );
    expect(event).toMatchObject({
      ...READ,
      model: 'mock-1',
      prompt_tokens: 30,
      completion_tokens: 11,
      metadata: { ...READ.metadata, finish_reason: 'stop' },
      raw_output: { role: 'assistant', parts: [{}, {}, { type: 'tool-weather' }, {}] },
    });
  });

  it('a UI message stream of the app, whatever the request was', async () => {
    const stream = () =>
      createUIMessageStream({
        execute: ({ writer }) => {
          writer.write({ type: 'data-status', data: { text: 'looking' }, transient: true });
          writer.merge(ask().toUIMessageStream());
        },
      });
    const [event] = await exchanged(
      (response) => pipeUIMessageStreamToResponse({ response, stream: stream() }),
      { a: 1 },
    );
    expect(event).toMatchObject({ output: READ.output, metadata: READ.metadata });
  });

  it('an error within the stream', async () => {
    const stream = createUIMessageStream({
      execute: ({ writer }) => {
        writer.write({ type: 'text-start', id: '1' });
        writer.write({ type: 'text-delta', id: '1', delta: 'It ' });
        throw new Error('boom');
      },
      onError: () => 'The model failed.',
    });
    expect(
      await exchanged((response) => pipeUIMessageStreamToResponse({ response, stream })),
    ).toMatchObject([
      { output: 'It ', metadata: { outcome: 'error', error: 'The model failed.' } },
    ]);
  });

  it('its text stream', async () => {
    expect(await exchanged((res) => ask().pipeTextStreamToResponse(res))).toMatchObject([
      { input: READ.input, output: READ.output },
    ]);
  });

  it('its fullStream, wrapped', async () => {
    const { phospho, events } = testPhospho();
    const answer = phospho.wrap(
      async function* (_question: string) {
        yield* ask().fullStream;
      },
      { name: 'answer' },
    );
    for await (const _part of answer('Rain in Lisbon?'));
    expect(await events()).toMatchObject([
      {
        ...READ,
        model: 'mock-1',
        prompt_tokens: 30,
        completion_tokens: 11,
        metadata: { ...READ.metadata, finish_reason: 'stop' },
      },
    ]);
  });
});
