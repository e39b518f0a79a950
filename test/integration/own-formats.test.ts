import express, { type Response } from 'express';
import { type Format, PhosphoConfigError, wrap } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { answeringApp, post, sending } from '../helpers/answering-app.ts';
import { testPhospho } from '../helpers/phospho.ts';

const support: Format = {
  name: 'support',
  request: ({ ticket }) =>
    typeof ticket === 'string' ? { input: ticket, model: 'desk' } : undefined,
  response: ({ reply }) =>
    typeof reply === 'string'
      ? { output: reply, usage: { prompt_tokens: 1 }, metadata: { desk: 'b' } }
      : undefined,
  stream({ event }) {
    if (event !== 'reply') return undefined;
    const pieces: string[] = [];
    return {
      push: ({ data }) => void pieces.push(data),
      end: () => ({ output: pieces.join(''), finishReason: 'closed', raw: { pieces } }),
    };
  },
};

const said: string[] = [];
const logger = { debug() {}, info() {}, error() {}, warn: (text: string) => void said.push(text) };

async function exchanged(formats: Format[], answer: (res: Response) => void, body: object) {
  const { phospho, events } = testPhospho({ logger });
  said.length = 0;
  const app = answeringApp(phospho, answer, { formats });
  const { body: bytes } = await post(app, '/', body);
  await post(app, '/', body);
  return { bytes: String(bytes), events: await events(), said: [...said] };
}

describe("a format of the user's", () => {
  it('reads requests and answers, whole and streamed, before the known ones', async () => {
    const whole = await exchanged([support], (res) => void res.json({ reply: 'Done' }), {
      ticket: 'Broken',
    });
    const event = { input: 'Broken', model: 'desk', raw_input: { ticket: 'Broken' } };
    expect(whole.events[0]).toMatchObject({
      ...event,
      output: 'Done',
      prompt_tokens: 1,
      metadata: { desk: 'b', outcome: 'complete' },
    });
    const streamed = await exchanged(
      [support],
      sending('text/event-stream', 'event: reply\ndata: Do\n\n', 'event: reply\ndata: ne\n\n'),
      { ticket: 'Broken' },
    );
    expect(streamed.events[0]).toMatchObject({
      ...event,
      output: 'Done',
      raw_output: { pieces: ['Do', 'ne'] },
      metadata: { finish_reason: 'closed' },
    });
    expect([whole.said, streamed.said]).toEqual([[], []]);
  });

  it('counts for what is wrapped and called within a request, also as a task of its own', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware({ formats: [support] }));
    const step = wrap(async (_asked: object) => ({ reply: 'Stepped' }), { name: 'step' });
    const own = wrap(async (_asked: object) => ({ reply: 'Own' }), { name: 'own', as: 'task' });
    app.post('/', async (_req, res) => {
      await step({ ticket: 'Broken' });
      await own({ ticket: 'Other' });
      res.json({ shown: true });
    });
    await post(app, '/', {});
    expect(await events()).toMatchObject([
      { input: 'Other', output: 'Own' },
      { input: 'Broken', output: 'Stepped', steps: [{ input: 'Broken', output: 'Stepped' }] },
    ]);
  });

  const fail = (): never => {
    throw new Error('boom');
  };
  const CHAT = { messages: [{ role: 'user', content: 'Hi' }] };
  const STREAM = 'data: {"text":"a"}\n\ndata: {"text":"b"}\n\n';

  it.each<[string, Partial<Record<keyof Format, unknown>>, RegExp]>([
    ['throws for a request', { request: fail }, /request\(\) failed: Error: boom/],
    ['throws when asked on the path', { request: fail, isRequest: fail }, /isRequest\(\) failed/],
    ['throws for an answer', { response: fail }, /response\(\) failed/],
    ['is async', { response: async () => fail() }, /response\(\) is async/],
    ['answers something else', { response: () => ({ output: 5 }) }, /output is a string/],
    [
      'answers what throws',
      {
        response: () => ({
          output: 'x',
          get usage() {
            return fail();
          },
        }),
      },
      /response\(\) failed/,
    ],
    ['asks something else', { request: () => 'text' }, /input is a string/],
  ])('that %s is not recognised, and said once', async (_what, methods, message) => {
    const format = { name: 'bad', ...methods } as Format;
    const { bytes, events, said } = await exchanged(
      [format],
      (res) => void res.json({ content: 'Hello' }),
      CHAT,
    );
    expect(bytes).toBe('{"content":"Hello"}');
    expect(events).toMatchObject([
      { input: 'Hi', output: 'Hello' },
      { input: 'Hi', output: 'Hello' },
    ]);
    expect(said).toEqual([expect.stringMatching(/the format bad: /)]);
    expect(said[0]).toMatch(message);
  });

  it.each<[string, unknown, RegExp]>([
    ['stream', fail, /stream\(\) failed/],
    ['what stream() answers', () => ({ push() {} }), /push\(event\), end\(\)/],
    ['push', () => ({ push: fail, end: () => ({ output: 'x' }) }), /push\(\) failed/],
    ['end', () => ({ push() {}, end: fail }), /end\(\) failed/],
    ['what end() answers', () => ({ push() {}, end: () => ({}) }), /output is a string/],
  ])('whose reader fails in %s leaves the stream to the others', async (_what, stream, message) => {
    const format = { name: 'bad', stream } as Format;
    const { bytes, events, said } = await exchanged(
      [format],
      sending('text/event-stream', STREAM),
      CHAT,
    );
    expect(bytes).toBe(STREAM);
    expect(events).toMatchObject([{ output: 'ab' }, { output: 'ab' }]);
    expect(said).toEqual([expect.stringMatching(message)]);
  });

  it('may answer parts of a wrong type: those are left out', async () => {
    const format = {
      name: 'odd',
      response: () => ({
        output: 'x',
        model: 5,
        usage: { prompt_tokens: '7', completion_tokens: 3, task_id: 'mine' },
        toolCalls: 'none',
        metadata: 'no',
      }),
    } as unknown as Format;
    const { events, said } = await exchanged([format], (res) => void res.json({}), CHAT);
    expect(events[0]).toMatchObject({ output: 'x', completion_tokens: 3 });
    expect(events[0]?.task_id).not.toBe('mine');
    expect(events[0]).not.toHaveProperty('prompt_tokens');
    expect(said).toEqual([]);
  });

  it.each<[unknown, string]>([
    [support, 'option formats must be a list of formats'],
    ['x', 'got "x"'],
    [[support, null], 'option formats[1] must be an object with a name and at least one'],
    [[{ request() {} }], 'option formats[0].name must be a string of 1 to 100 characters, got und'],
    [
      [{ name: '', request() {} }],
      'formats[0].name must be a string of 1 to 100 characters, got ""',
    ],
    [[{ name: 'x', stream: true }], 'option formats[0].stream must be a function, got true'],
    [[{ name: 'x' }], 'option formats[0] ("x") must have at least one of the functions request'],
  ])('is checked: %j', (formats, message) => {
    const { phospho } = testPhospho();
    const make = () => phospho.middleware({ formats: formats as Format[] });
    expect(make).toThrow(PhosphoConfigError);
    expect(make).toThrow(message);
  });
});
