import express from 'express';
import OpenAI from 'openai';
import { observe, type Phospho } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { chunks, completion, eventStream } from '../fixtures/openai-chat.ts';
import { type Answer, fakeFetch } from '../helpers/model-servers.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { startCollector } from './collector-helpers.ts';

const RAIN = 'Lisbon is lovely, rain or shine.';
const streamed: Answer = { type: 'text/event-stream', body: eventStream(chunks) };
const asked = (content: string) => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user' as const, content }],
});

describe('an observed client in a captured route', () => {
  function served(phospho: Phospho, ...answers: Answer[]) {
    const openai = phospho.observe(new OpenAI({ apiKey: 'k', fetch: fakeFetch(...answers) }));
    const app = express();
    app.use(phospho.middleware(), express.json());
    app.post('/own', async (req, res) => {
      const { choices } = await openai.chat.completions.create(
        asked(req.body.messages.at(-1).content),
      );
      res.json({ content: choices[0]?.message.content });
    });
    app.post('/stream', async (req, res) => {
      const stream = await openai.chat.completions.create({
        ...asked(req.body.messages.at(-1).content),
        stream: true,
      });
      res.type('text/event-stream');
      for await (const chunk of stream) res.write(`data: ${JSON.stringify(chunk)}\n\n`);
      res.end('data: [DONE]\n\n');
    });
    return app;
  }

  it('is one task with one step; what the answer does not say of the model is known of the step', async () => {
    const { phospho, events } = testPhospho();
    const app = served(phospho, { body: completion });
    const { body } = await request(app)
      .post('/own')
      .send({ messages: [{ role: 'user', content: 'Lisbon?' }] });
    expect(body).toEqual({ content: RAIN });
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      input: 'Lisbon?',
      output: RAIN,
      model: 'gpt-4o-mini-2024-07-18',
      prompt_tokens: 21,
      completion_tokens: 9,
      steps: [
        {
          name: 'chat gpt-4o-mini',
          input: 'Lisbon?',
          output: RAIN,
          model: 'gpt-4o-mini-2024-07-18',
          usage: { prompt_tokens: 21, completion_tokens: 9, total_tokens: 30 },
          finish_reason: 'stop',
          outcome: 'complete',
        },
      ],
    });
    expect(event?.steps).toHaveLength(1);
  });

  it('tokens of a streamed answer are counted once', async () => {
    const { phospho, events } = testPhospho();
    await request(served(phospho, streamed)).post('/stream').send(asked('Lisbon?'));
    expect(await events()).toMatchObject([
      { output: RAIN, prompt_tokens: 21, steps: [{ output: RAIN, usage: { prompt_tokens: 21 } }] },
    ]);
  });

  it('requests at the same time do not mix', async () => {
    const { phospho, events } = testPhospho();
    const app = served(phospho, streamed);
    const server = app.listen(0);
    try {
      const questions = Array.from({ length: 6 }, (_, index) => `question ${index}`);
      await Promise.all(questions.map((text) => request(server).post('/stream').send(asked(text))));
      const all = await events();
      expect(all.map(({ input }) => input).sort()).toEqual(questions);
      for (const { input, steps } of all) expect(steps).toMatchObject([{ input, output: RAIN }]);
    } finally {
      server.close();
    }
  });

  it('under capture: metadata says no text, and the names of tools alone', async () => {
    const { phospho, events } = testPhospho({ capture: 'metadata' });
    const call = {
      id: 'c',
      type: 'function',
      function: { name: 'weather', arguments: '{"at":"Lisboa"}' },
    };
    const message = { role: 'assistant', content: null, tool_calls: [call] };
    const answer = { ...completion, choices: [{ index: 0, message, finish_reason: 'tool_calls' }] };
    const app = served(phospho, { body: answer });
    await request(app)
      .post('/own')
      .send({ messages: [{ role: 'user', content: 'Lisbon?' }] });
    const [event] = await events();
    expect(event?.steps).toMatchObject([
      {
        input: '[not recorded]',
        model: 'gpt-4o-mini-2024-07-18',
        finish_reason: 'tool_calls',
        tool_calls: [{ name: 'weather' }],
      },
    ]);
    expect(JSON.stringify(event)).not.toMatch(/Lisbo/);
  });
});

describe('an observed client in a script', () => {
  it('makes a task a call, with what the options say of it', async () => {
    const { phospho, events } = testPhospho();
    const openai = observe(new OpenAI({ apiKey: 'k', fetch: fakeFetch({ body: completion }) }), {
      sessionId: ({ user }) => user,
      metadata: () => ({ script: true }),
    });
    await openai.chat.completions.create({ ...asked('one'), user: 'u1' });
    await openai.chat.completions.create({ ...asked('two'), user: 'u2' });
    expect(phospho.stats().events.captured).toBe(2);
    expect(await events()).toMatchObject([
      { input: 'one', session_id: 'u1', metadata: { script: true } },
      { input: 'two', session_id: 'u2' },
    ]);
  });

  it('its tasks and steps are kept by the collector', async () => {
    const { collector, get } = await startCollector();
    await collector.listen();
    const { phospho } = testPhospho({
      exporter: undefined as never,
      apiKey: collector.apiKey as string,
      projectId: 'demo',
      baseUrl: collector.baseUrl,
    });
    const openai = phospho.observe(
      new OpenAI({ apiKey: 'k', fetch: fakeFetch({ body: completion }) }),
    );
    await phospho.wrap(() => openai.chat.completions.create(asked('Lisbon?')))();
    await phospho.flush();
    const { body } = await get('/projects/demo/tasks').expect(200);
    expect(body.tasks).toMatchObject([
      {
        output: RAIN,
        metadata: {
          model: 'gpt-4o-mini-2024-07-18',
          steps: [
            {
              name: 'chat gpt-4o-mini',
              model: 'gpt-4o-mini-2024-07-18',
              usage: { prompt_tokens: 21, completion_tokens: 9 },
              finish_reason: 'stop',
            },
          ],
        },
      },
    ]);
  });
});
