import type { LogEvent, MiddlewareOptions, PhosphoOptions } from 'phospho-express';
import { logTask, maskRules, Phospho, PhosphoConfigError } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { startDashboard } from '../helpers/dashboard.ts';
import { EXPRESS_VERSIONS } from '../helpers/express-versions.ts';
import { testPhospho } from '../helpers/phospho.ts';
import { PhosphoDouble } from '../helpers/phospho-double.ts';

const EMAIL = 'ada@example.com';
const CARD = '4111 1111 1111 1111';

/** An answer with a tool call, reasoning and a text that quotes what it should not. */
const answer = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [
    {
      index: 0,
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        content: `I write to ${EMAIL}.`,
        reasoning_content: `They want ${EMAIL}.`,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: {
              name: 'send_mail',
              arguments: JSON.stringify({ to: `\n${EMAIL}`, password: 'hunter2' }),
            },
          },
        ],
      },
    },
  ],
  usage: { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 },
};

const asked = {
  session_id: 'trip-1',
  [EMAIL]: { password: { old: 'hunter2' }, card: 4111111111111111, at: 1732480000000 },
  messages: [
    { role: 'system', content: `Be kind to ${EMAIL}.` },
    { role: 'user', content: `My card is ${CARD}, my mail ${EMAIL}.` },
  ],
};

describe.each(EXPRESS_VERSIONS)('privacy of a request on %s', (_name, express) => {
  /** The one event of one exchange, with a step inside that fails. */
  async function recorded(
    options: PhosphoOptions,
    middleware: MiddlewareOptions = {},
    headers: Record<string, string> = {},
  ): Promise<LogEvent> {
    const { phospho, events } = testPhospho(options);
    const app = express();
    app.use(phospho.middleware(middleware));
    app.use(express.json());
    const look = phospho.wrap(
      (text: string): string => {
        throw new RangeError(`nothing about ${text}`);
      },
      { name: 'look' },
    );
    app.post('/chat/:room', (req, res) => {
      expect(() => look(EMAIL)).toThrow(RangeError);
      req.phospho?.set({ metadata: { contact: EMAIL } });
      res.json(answer);
    });
    const response = await request(app).post('/chat/7').set(headers).send(asked).expect(200);
    expect(response.body).toEqual(answer);
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    return event as LogEvent;
  }

  it('masks every text by the rules of the list, keys and long numbers of bodies too', async () => {
    const rules = [maskRules.emails, maskRules.cards, maskRules.keys(['password'])];
    const event = await recorded({ mask: rules });
    const json = JSON.stringify(event);
    expect(json).not.toContain(EMAIL);
    expect(json).not.toContain('hunter2');
    expect(json).not.toContain('4111');
    expect(event).toMatchObject({
      input: 'My card is [card], my mail [email].',
      output: 'I write to [email].',
      system_prompt: 'Be kind to [email].',
      session_id: 'trip-1',
      model: 'gpt-4o-mini',
      raw_input: { '[email]': { password: '[masked]', card: '[card]', at: 1732480000000 } },
      metadata: {
        contact: '[email]',
        reasoning: 'They want [email].',
        tool_calls: [{ name: 'send_mail' }],
      },
      steps: [{ name: 'look', input: '[email]', error: 'RangeError: nothing about [email]' }],
    });
    const { tool_calls: calls } = event.metadata as { tool_calls: [{ arguments: string }] };
    expect(JSON.parse(calls[0].arguments)).toEqual({ to: '\n[email]', password: '[masked]' });
  });

  it('applies the masks of the middleware after those of the Phospho', async () => {
    const event = await recorded(
      { mask: maskRules.emails },
      { mask: (text) => text.replaceAll('[email]', '<mail>').replaceAll('card', 'c…') },
    );
    expect(event.input).toBe(`My c… is ${CARD}, my mail <mail>.`);
  });

  it('lets no text leave where a mask of the middleware fails', async () => {
    const mask = (): string => {
      throw new Error('a bug');
    };
    const event = await recorded({ logLevel: 'silent' }, { mask: [maskRules.emails, mask] });
    expect(JSON.stringify(event)).not.toMatch(/ada@|4111|hunter2|trip-1|send_mail/);
    expect(event.metadata).toMatchObject({ mask_failed: true, outcome: 'complete' });
    expect(event.session_id).toMatch(/^masked_[0-9a-f]{32}$/);
  });

  it.each<[string, PhosphoOptions, MiddlewareOptions]>([
    ['Phospho', { capture: 'metadata' }, {}],
    ['middleware', {}, { capture: 'metadata' }],
    ['Phospho, which the middleware cannot widen', { capture: 'metadata' }, { capture: 'full' }],
  ])("records no text of anybody with capture: 'metadata' of the %s", async (_of, own, options) => {
    const event = await recorded(own, options);
    const { metadata, ...rest } = event;
    expect(JSON.stringify(rest)).not.toMatch(/ada@|card|kind|write|nothing about|hunter2/);
    expect(rest).toMatchObject({
      input: '[not recorded]',
      output: '[not recorded]',
      session_id: 'trip-1',
      model: 'gpt-4o-mini',
      prompt_tokens: 20,
      completion_tokens: 10,
      total_tokens: 30,
      steps: [{ name: 'look', input: '[not recorded]', error: 'RangeError', outcome: 'error' }],
    });
    for (const name of ['raw_input', 'raw_output', 'system_prompt', 'raw_input_type_name']) {
      expect(rest).not.toHaveProperty(name);
    }
    expect(metadata).toEqual({
      method: 'POST',
      route: '/chat/:room',
      status: 200,
      streamed: false,
      response_bytes: expect.any(Number),
      latency_ms: expect.any(Number),
      outcome: 'complete',
      finish_reason: 'tool_calls',
      tool_calls: [{ name: 'send_mail' }],
      // The app's own word.
      contact: EMAIL,
    });
  });

  it("records neither a refusal nor what a provider's tools were asked, with capture: 'metadata'", async () => {
    const { phospho, events } = testPhospho({ capture: 'metadata' });
    const app = express();
    app.use(phospho.middleware(), express.json());
    const search = {
      type: 'server_tool_use',
      id: 's',
      name: 'web_search',
      input: { query: EMAIL },
    };
    const answers = [
      { ...answer, choices: [{ message: { refusal: `not to ${EMAIL}` }, finish_reason: 'stop' }] },
      {
        ...{ type: 'message', role: 'assistant', model: 'claude', stop_reason: 'end_turn' },
        content: [search, { type: 'text', text: EMAIL }],
      },
    ];
    app.post('/:n', (req, res) => void res.json(answers[Number(req.params.n)]));
    for (const n of answers.keys()) await request(app).post(`/${n}`).send(asked).expect(200);
    const all = await events();
    expect(all.map(({ output }) => output)).toEqual(['[not recorded]', '[not recorded]']);
    expect(JSON.stringify(all)).not.toContain(EMAIL);
  });

  it('withholds what the middleware of a route withholds, behind that of the app', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware());
    const mask = maskRules.emails;
    app.use('/private', phospho.middleware({ capture: 'metadata', mask }), express.json());
    app.use(express.json());
    app.post(['/private', '/open'], (req, res) => {
      req.phospho?.set({ metadata: { contact: EMAIL } });
      res.json(answer);
    });
    await request(app).post('/private').send(asked).expect(200);
    await request(app).post('/open').send(asked).expect(200);
    const [hidden, open] = await events();
    expect(JSON.stringify(hidden)).not.toMatch(/ada@|4111|hunter2/);
    expect(hidden).toMatchObject({ input: '[not recorded]', metadata: { contact: '[email]' } });
    expect(open).toMatchObject({ input: asked.messages[1]?.content, metadata: { contact: EMAIL } });
  });

  it('records the request headers that are asked for, in small letters and masked', async () => {
    const event = await recorded(
      { mask: maskRules.emails },
      { headers: ['X-Tenant', 'x-contact', 'x-absent', '__proto__'] },
      { 'x-tenant': 'acme', 'x-contact': EMAIL, authorization: 'Basic abc', 'x-other': 'no' },
    );
    expect(event.metadata?.headers).toEqual({ 'x-tenant': 'acme', 'x-contact': '[email]' });
    expect((await recorded({})).metadata).not.toHaveProperty('headers');
  });
});

describe('ids under a mask', () => {
  it('stay apart: a session or user that a mask would change is sent as a hash', async () => {
    const { phospho, events } = testPhospho({ mask: maskRules.emails });
    const ids = ['ada@example.com', 'bob@example.com', 'ada@example.com', 'u-1'];
    for (const id of ids) phospho.log({ input: 'x', userId: id, sessionId: id, taskId: `t-${id}` });
    const sent = await events();
    expect(sent.map(({ task_id }) => task_id)).toEqual(ids.map((id) => `t-${id}`));
    const [ada, bob, again, plain] = sent.map(({ user_id }) => user_id);
    expect(ada).toMatch(/^masked_[0-9a-f]{32}$/);
    expect(again).toBe(ada);
    expect(bob).not.toBe(ada);
    expect(plain).toBe('u-1');
    expect(sent.map(({ session_id }) => session_id)).toEqual([ada, bob, again, plain]);
  });

  it('of a task and its parent are never changed', async () => {
    const { phospho, events } = testPhospho({ mask: () => 'x' });
    const inner = phospho.wrap(() => 1, { as: 'task' });
    phospho.wrap(() => inner())();
    const [first, second] = await events();
    expect(first?.metadata?.parent_task_id).toBe(second?.task_id);
  });

  it('that are credentials are sent as a hash without any mask', async () => {
    const { phospho, events } = testPhospho();
    const key = `sk-${'a1'.repeat(20)}`;
    phospho.log({ input: 'x', sessionId: key });
    expect((await events())[0]?.session_id).toMatch(/^masked_/);
  });
});

describe("capture: 'metadata' of a wrapped function", () => {
  it('keeps model and tokens, and none of the texts', async () => {
    const { phospho, events } = testPhospho();
    phospho.wrap((_text: string) => answer, { capture: 'metadata', name: 'ask' })(EMAIL);
    const [event] = await events();
    expect(event).toMatchObject({
      input: '[not recorded]',
      output: '[not recorded]',
      model: 'gpt-4o-mini',
      total_tokens: 30,
      metadata: { name: 'ask', tool_calls: [{ name: 'send_mail' }] },
    });
    expect(JSON.stringify(event)).not.toMatch(/ada@|hunter2/);
  });

  it('covers the steps and tasks within', async () => {
    const { phospho, events } = testPhospho();
    const step = phospho.wrap((text: string) => text);
    const task = phospho.wrap((text: string) => text, { as: 'task' });
    const outer = phospho.wrap(
      (text: string) => {
        phospho.log({ input: text });
        return step(text) + task(text);
      },
      { capture: 'metadata' },
    );
    outer('confidential');
    const sent = await events();
    expect(sent).toHaveLength(3);
    expect(JSON.stringify(sent)).not.toContain('confidential');
  });

  it('of a step hides it and what is within, not the task', async () => {
    const { phospho, events } = testPhospho();
    const inner = phospho.wrap((text: string) => text);
    const step = phospho.wrap((text: string) => inner(text), { capture: 'metadata' });
    phospho.wrap((_text: string) => step('confidential').length)('a question');
    const [event] = await events();
    expect(event).toMatchObject({ input: 'a question', output: '12' });
    expect(JSON.stringify(event)).not.toContain('confidential');
  });

  it('says of an error no more than its name, of other throws nothing', async () => {
    const { phospho, events } = testPhospho({ capture: 'metadata' });
    for (const thrown of [new TypeError('of Ada'), 'Ada: a text', { name: 'Ada' }]) {
      const fail = phospho.wrap(() => {
        throw thrown;
      });
      expect(fail).toThrow();
    }
    const errors = (await events()).map(({ metadata }) => metadata?.error);
    expect(errors).toEqual(['TypeError', '[not recorded]', '[not recorded]']);
  });

  it('is checked, since a typo would record what should not be', () => {
    expect(() => logTask({ capture: 'none' as never })).not.toThrow();
    const { phospho } = testPhospho();
    expect(() => phospho.wrap(() => 1, { capture: 'none' as never })).toThrow(
      'option capture of wrap, observe and @logTask must be false, "input", "output" or "metadata", got none',
    );
  });
});

it("notes of a flag are kept with capture: 'metadata', and masked, as they go over the wire", async () => {
  const double = new PhosphoDouble();
  const { phospho } = testPhospho({
    exporter: undefined as never,
    apiKey: 'k',
    projectId: 'p',
    baseUrl: await double.serve(),
    capture: 'metadata',
    mask: [maskRules.emails, maskRules.keys(['password'])],
  });
  const { taskId } = phospho.log({ input: 'a question', output: 'an answer' });
  phospho.flag(taskId, 'failure', { notes: `wrong for ${EMAIL}, {"password": "x"}` });
  await phospho.flush();
  expect(double.flags).toMatchObject([
    { taskId, notes: 'wrong for [email], {"password": "[masked]"}' },
  ]);
  expect(double.stored.get(taskId)?.input).toBe('[not recorded]');
  for (const { body } of double.asked) expect(body).not.toMatch(/ada@|a question|an answer/);
});

it("a collector takes a task of capture: 'metadata', and its dashboard shows what there is", async () => {
  const dashboard = await startDashboard();
  await dashboard.login().expect(204);
  const { phospho } = testPhospho({
    exporter: undefined as never,
    apiKey: dashboard.collector.apiKey as string,
    projectId: 'demo',
    baseUrl: dashboard.collector.baseUrl,
    capture: 'metadata',
  });
  phospho.log({ input: 'a question', output: answer, taskId: 't', sessionId: 's' });
  phospho.log({ input: 'a question', taskId: 'unanswered' });
  await phospho.flush();
  expect(phospho.stats().events.delivered).toBe(2);
  const { body } = await dashboard.get('/projects/demo/tasks').expect(200);
  expect(body.tasks).toMatchObject([
    { id: 'unanswered', input: '[not recorded]', output: null },
    { id: 't', input: '[not recorded]', output: '[not recorded]', model: 'gpt-4o-mini' },
  ]);
});

describe('options of privacy', () => {
  const phospho = new Phospho({ enabled: false });
  const made = (options: unknown) => () => phospho.middleware(options as MiddlewareOptions);

  it.each<[() => unknown, string]>([
    [
      () => new Phospho({ mask: [maskRules.emails, 7] as never }),
      'option mask must be a function, or a list of functions such as maskRules.emails, got 7 (number)',
    ],
    [() => new Phospho({ mask: {} as never }), 'option mask must be a function, or a list'],
    [
      () => new Phospho({ capture: 'none' as never }),
      'option capture must be "full" or "metadata", got "none" (string)',
    ],
    [made({ mask: 'x' }), 'middleware() option mask must be a function, or a list'],
    [made({ capture: true }), 'middleware() option capture must be "full" or "metadata", got true'],
    [
      made({ headers: 'x-tenant' }),
      'middleware() option headers must be a list of names of headers, got "x-tenant"',
    ],
    [made({ headers: ['x tenant'] }), 'such as "x-tenant", got "x tenant"'],
    [made({ headers: [7] }), 'got 7'],
  ])('that are wrong are refused with a message that helps: %#', (make, message) => {
    expect(make).toThrow(PhosphoConfigError);
    expect(make).toThrow(message);
  });

  it.each([
    'Authorization',
    'proxy-authorization',
    'cookie',
    'Set-Cookie',
    'x-api-key',
    'X-Goog-Api-Key',
    'apikey',
    'x-auth-token',
    'x-csrf-token',
    'ocp-apim-subscription-key',
    'x-amz-security-token',
    'x-hub-signature-256',
    'cf-access-jwt-assertion',
    'x-client-secret',
    'x-accesstoken',
  ])('refuse the header %s, which holds a credential', (name) => {
    expect(made({ headers: [name] })).toThrow(PhosphoConfigError);
    expect(made({ headers: [name] })).toThrow(`must not have ${JSON.stringify(name)}`);
  });

  it.each([
    'x-tenant',
    'user-agent',
    'accept-language',
    'x-request-id',
    'idempotency-key',
    'x-keyboard',
    'x-author',
  ])('take the header %s', (name) => {
    expect(made({ headers: [name] })).not.toThrow();
  });
});
