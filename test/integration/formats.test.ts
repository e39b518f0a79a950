import { describe, expect, it } from 'vitest';
import { dataStream } from '../fixtures/answers/ai-sdk.ts';
import { type Answer, answers } from '../fixtures/answers/index.ts';
import { answeringApp, post, sending } from '../helpers/answering-app.ts';
import { testPhospho } from '../helpers/phospho.ts';

/** The event of an exchange whose request says nothing that we know. */
async function captured(answer: Parameters<typeof answeringApp>[1], asked: object = { a: 1 }) {
  const { phospho, events } = testPhospho();
  await post(answeringApp(phospho, answer), '/', asked);
  return await events();
}

const cases = answers.map((answer): [string, Answer] => [answer.format, answer]);

const ASKED = { messages: [{ role: 'user', content: 'Hi' }] };

describe('an answer of a provider, whatever the request was', () => {
  it.each(cases)('%s, whole', async (format, { whole, event, metadata }) => {
    // A saved message of the AI SDK's could be any app's data.
    const asked = format === 'ai-sdk-ui' ? ASKED : undefined;
    const events = await captured((res) => void res.json(whole), asked);
    expect(events).toMatchObject([{ ...event, raw_output: whole, metadata }]);
    expect(events[0]?.metadata).toMatchObject({ outcome: 'complete' });
  });

  it.each(cases)('%s, streamed', async (_format, { whole, streamed, event, metadata }) => {
    const { type, body } = streamed;
    const [one, ...others] = await captured(
      sending(type, body.slice(0, 50), body.slice(50, 400), body.slice(400)),
    );
    expect(others).toEqual([]);
    expect(one).toMatchObject({ ...event, metadata: { ...metadata, streamed: true } });
    expect(one?.raw_output).toEqual(whole);
  });

  it.each(cases)('%s, streamed and broken off', async (_format, { streamed, event }) => {
    const { type, body } = streamed;
    const kept = body.slice(0, Math.floor(body.length * 0.7));
    const [one] = await captured(sending(type, kept));
    expect(event.output.startsWith(String(one?.output))).toBe(true);
    expect(one?.output).not.toBe('');
  });
});

describe("the Vercel AI SDK's protocols", () => {
  it.each(['x-vercel-ai-ui-message-stream', 'x-vercel-ai-data-stream'])(
    'are captured by their header %s, whatever they begin with',
    async (header) => {
      const events = await captured((res) => {
        res.set({ 'Content-Type': 'text/event-stream', [header]: 'v1' });
        res.write('data: {"type":"data-progress","data":{}}\n\n');
        res.end('data: {"type":"text-delta","id":"1","delta":"Hi"}\n\n');
      });
      expect(events).toMatchObject([{ output: 'Hi' }]);
    },
  );

  it.each(['b:{"toolCallId":"c","toolName":"weather"}\n', '3:"slow"\n'])(
    'version 4 may begin with %j',
    async (begin) => {
      const asked = { messages: [{ role: 'user', content: 'Rain?' }] };
      expect(await captured(sending('text/plain', `${begin}0:"Hi"\n`), asked)).toMatchObject([
        { output: 'Hi' },
      ]);
    },
  );

  it('version 4: lines with a code', async () => {
    const asked = { messages: [{ role: 'user', content: 'Rain?' }] };
    expect(await captured(sending(dataStream.type, dataStream.body), asked)).toMatchObject([
      {
        output: 'Let me see. It rains.',
        prompt_tokens: 7,
        completion_tokens: 3,
        metadata: {
          finish_reason: 'stop',
          reasoning: 'Rain?',
          tool_calls: [{ name: 'weather', arguments: { at: 'Lisboa' } }],
        },
        raw_output: { id: 'm1', role: 'assistant', parts: [{}, {}, {}] },
      },
    ]);
  });
});

describe('a stream in the wrong framing or type', () => {
  const [chat] = answers;
  const { body } = chat?.streamed ?? { body: '' };
  const items = body
    .split('\n\n')
    .filter(Boolean)
    .map((event) => event.slice('data: '.length));

  it.each([
    ['events without a content type', '', body],
    ['events as text', 'text/plain', body],
    ['events as text, behind comments', 'text/plain', `: HELD\r\n\r\n: HELD\n\n${body}`],
    ['events as JSON', 'application/json; charset=utf-8', body],
    ['events as lines', 'application/x-ndjson', body],
    ['lines as events', 'text/event-stream', items.join('\n')],
    ['lines as text', 'text/plain', items.join('\n')],
    ['an array as events', 'text/event-stream', `[${items.join(',')}]`],
    ['a long array as events', 'text/event-stream', `[${' '.repeat(40_000)}${items.join(',')}]`],
    ['a whole answer as text', 'text/plain', `\n ${JSON.stringify(chat?.whole)}`],
    ['lines as JSON', 'application/json', items.join('\n')],
    ['lines as application/jsonl', 'application/jsonl; charset=utf-8', items.join('\n')],
    ['a JSON text sequence', 'application/json-seq', items.map((i) => `\u001e${i}\n`).join('')],
    ['an array', 'application/json', `[${items.join(',')}]`],
    ['an array that breaks off', 'application/json', `[${items.join(',')},{"choices":[{"del`],
    ['a whole answer as events', 'text/event-stream', JSON.stringify(chat?.whole)],
  ])('%s', async (_what, type, text) => {
    const events = await captured((res) => {
      if (type !== '') res.set('Content-Type', type);
      res.write(Buffer.from(text));
      res.end();
    }, ASKED);
    expect(events).toMatchObject([{ ...chat?.event, metadata: chat?.metadata }]);
  });

  it('is no answer where it is JSON of no known shape: text stays text', async () => {
    const text = '{"answer": "in JSON, as you asked"}';
    const events = await captured(sending('text/plain', text), ASKED);
    expect(events).toMatchObject([{ output: text }]);
  });

  it("lines of the app's own add up, and an export that answers a query is none of ours", async () => {
    const lines = '{"text":"a"}\n{"text":"b"}\n\n{"text":"c';
    const type = 'application/x-ndjson';
    expect(await captured(sending(type, lines), { prompt: 'x' })).toMatchObject([{ output: 'ab' }]);
    const { phospho, events } = testPhospho();
    const app = answeringApp(phospho, sending(type, lines));
    await post(app, '/export?query=all', { rows: 5 });
    expect(await events()).toEqual([]);
  });
});

describe('an answer that is long in coming, whatever the request was', () => {
  const [chat] = answers;

  it('is known behind the comments that hold its stream open', async () => {
    const held = Array.from({ length: 40 }, () => ': OPENROUTER PROCESSING\n\n');
    const events = await captured(
      sending('text/event-stream', held.join('').slice(0, 500), ...held, `${chat?.streamed.body}`),
    );
    expect(events).toMatchObject([{ ...chat?.event, metadata: chat?.metadata }]);
  });

  it('is known behind white space', async () => {
    const space = '\n         \n'.repeat(50);
    const whole = JSON.stringify(chat?.whole);
    const events = await captured(sending('application/json', space, `${space}${whole}`));
    expect(events).toMatchObject([{ ...chat?.event, metadata: chat?.metadata }]);
  });

  it('is none where nothing but comments comes', async () => {
    const held = Array.from({ length: 90 }, () => `: ${'-'.repeat(98)}\n`);
    const late = sending('text/event-stream', ...held, `${chat?.streamed.body}`);
    expect(await captured(late)).toEqual([]);
  });
});

describe('a list of messages as the answer', () => {
  const messages = [
    ...ASKED.messages,
    { role: 'assistant', content: 'It ' },
    { role: 'assistant', content: [{ type: 'text', text: 'rains.' }] },
  ];

  it.each<[string, object, object]>([
    ['bare', messages, {}],
    ['in an object', { messages, model: 'm' }, { model: 'm' }],
  ])('%s gives what the assistant said last', async (_what, body, event) => {
    expect(await captured((res) => void res.json(body), ASKED)).toMatchObject([
      { ...event, output: 'It \nrains.', raw_output: body },
    ]);
  });
});

describe('lines of JSON', () => {
  it.each([
    'application/x-ndjson',
    'application/ndjson; charset=utf-8',
    'Application/NDJSON',
    'application/jsonl',
    'application/x-jsonlines',
    'application/json-seq',
    'application/geo+json-seq',
    'application/stream+json',
    'text/x-ndjson',
  ])('are known as %s', async (type) => {
    expect(await captured(sending(type, '{"text":"a"}\n{"text":"b"}\n'), ASKED)).toMatchObject([
      { output: 'ab', metadata: { streamed: true } },
    ]);
  });
});

describe('what only looks like an answer', () => {
  it.each<[string, object]>([
    ['candidates for a job', { candidates: [{ name: 'Ann', content: 'CV' }] }],
    [
      'choices of a poll',
      {
        choices: [
          { text: 'yes', index: 0 },
          { text: 'no', index: 1 },
        ],
      },
    ],
    ['choices of a poll that say something', { choices: [{ message: { text: 'x' }, votes: 3 }] }],
    ['choices of a game', { choices: [{ text: 'Go', delta: { hp: -3 } }] }],
    ['candidates of an election', { candidates: [{ content: { role: 'mayor', name: 'Ann' } }] }],
    ['a ticket', { model: 'T', created_at: '2026-01-01T00:00:00.000Z', response: 'Soon.' }],
    ['a build with a message', { output: { message: { text: 'done' } }, stopReason: 'ok' }],
    ["a device's alarm", { model: 'X1', created_at: '2026-01-01', message: { title: 'Hot' } }],
    ['an RPC called response', { id: 3, object: 'response', status: 'ok', data: {} }],
    ['events of a page', { events: [{ type: 'message_start', at: 1 }] }],
    ['a stream that starts', { event_type: 'stream-start', channel: 'c' }],
    ['a power plant', { generation_id: 'x', mw: 4 }],
    ["Slack's answer", { ok: true, message: { type: 'message', text: 'x', user: 'U1' } }],
    ['a blog post', { id: 1, title: 'Rain', content: '{"object":"chat.completion"}' }],
    ['a search', { object: 'list', results: [{ content: 'x', message: 'y' }], answer: 'z' }],
    ["an assistant's thread", { object: 'thread.message', role: 'assistant', content: [] }],
    ['a message of a board', { id: '1', message: { role: 'assistant', content: 'Hi' } }],
    ['a list with a message in it', { data: [{ type: 'message', role: 'assistant' }] }],
    ['an object called response', { object: 'responses', output: [] }],
    ['team members', [{ role: 'user', name: 'Ann' }]],
    ['embeddings', { object: 'list', data: [{ object: 'embedding', embedding: [1] }], model: 'm' }],
  ])('%s', async (_what, body) => {
    expect(await captured((res) => void res.json(body))).toEqual([]);
  });
});
