import express from 'express';
import fc from 'fast-check';
import type { LogEvent, Phospho, TaskContext } from 'phospho-express';
import { wrap } from 'phospho-express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { readContext, writeContext } from '../../src/capture/propagation.ts';
import { completion } from '../fixtures/openai-chat.ts';
import { testPhospho } from '../helpers/phospho.ts';

const ASKED = { session_id: 'of the body', messages: [{ role: 'user', content: 'Rain?' }] };

const only = (events: LogEvent[]): LogEvent => {
  expect(events).toHaveLength(1);
  return events[0]!;
};

describe('withContext', () => {
  it('returns what its function returns, and throws what it throws', async () => {
    const { phospho } = testPhospho();
    const object = {};
    expect(phospho.withContext({ userId: 'u' }, () => object)).toBe(object);
    const error = new Error('the app’s');
    const failing = (): never => {
      throw error;
    };
    expect(() => phospho.withContext({}, failing)).toThrow(error);
  });

  it('says session, user, version and metadata of every task that opens within, however deep and late', async () => {
    const { phospho, events } = testPhospho();
    const context = {
      sessionId: 's',
      userId: 'u',
      versionId: '7',
      metadata: { plan: 'free' },
    };
    const call = phospho.wrap(async () => 'x');
    await phospho.withContext(context, async () => {
      await null;
      await call();
      phospho.log({ input: 'by hand' });
      phospho.startTask({ input: 'started' }).end();
    });
    await call();
    const all = await events();
    expect(all).toHaveLength(4);
    for (const event of all.slice(0, 3)) {
      expect(event).toMatchObject({ session_id: 's', user_id: 'u', version_id: '7' });
      expect(event.metadata).toMatchObject({ plan: 'free' });
    }
    expect(all[3]).not.toHaveProperty('session_id');
    expect(all[3]).not.toHaveProperty('user_id');
  });

  it('adds to the context that it is within', async () => {
    const { phospho, events } = testPhospho();
    phospho.withContext({ sessionId: 's', userId: 'outer', metadata: { a: 1 } }, () =>
      phospho.withContext({ userId: 'inner', metadata: { b: 2 } }, () =>
        phospho.log({ input: 'x' }),
      ),
    );
    expect(only(await events())).toMatchObject({
      session_id: 's',
      user_id: 'inner',
      metadata: { a: 1, b: 2 },
    });
  });

  it('is weaker than what a task says of itself', async () => {
    const { phospho, events } = testPhospho();
    phospho.withContext({ sessionId: 'context', userId: 'context' }, () =>
      phospho.log({ input: 'x', sessionId: 'own' }),
    );
    expect(only(await events())).toMatchObject({ session_id: 'own', user_id: 'context' });
  });

  it('as a middleware says the user of the request’s own task, and overrules its body', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    app.use(phospho.middleware(), express.json());
    app.use((_req, _res, next) => phospho.withContext({ sessionId: 's', userId: 'u' }, next));
    app.post('/chat', (_req, res) => void res.json(completion));
    await request(app).post('/chat').send(ASKED).expect(200);
    expect(only(await events())).toMatchObject({ session_id: 's', user_id: 'u' });
  });

  it('within a task overrules for the tasks within what that task says of itself; around it, it does not', async () => {
    const { phospho, events } = testPhospho();
    const inner = phospho.wrap(() => 'x', { name: 'inner', as: 'task' });
    const outer = phospho.wrap((run: () => void) => run(), {
      name: 'outer',
      sessionId: () => 'own',
    });
    phospho.withContext({ sessionId: 'around' }, () => {
      outer(() => void inner());
      outer(() => void phospho.withContext({ sessionId: 'within' }, inner));
    });
    const sessions = (await events()).map(({ metadata, session_id }) => [
      metadata?.name,
      session_id,
    ]);
    expect(sessions).toEqual([
      ['inner', 'own'],
      ['outer', 'own'],
      ['inner', 'within'],
      ['outer', 'own'],
    ]);
  });

  it.each([
    ['no object', null, /withContext\(\) takes an object, got null/],
    [
      'a name that there is none of',
      { session: 's' },
      /has no option "session"; it takes: sessionId/,
    ],
  ])('given %s throws, and says what it takes', (_what, context, message) => {
    const { phospho } = testPhospho();
    expect(() => phospho.withContext(context as TaskContext, () => 1)).toThrow(message);
  });

  it('without a function throws, and shows how it is written', () => {
    const { phospho } = testPhospho();
    expect(() => phospho.withContext({}, undefined as never)).toThrow(/takes a function to run/);
  });
});

describe('a step whose hooks know session and user', () => {
  it('tells its task, where the app has not said it otherwise', async () => {
    const { phospho, events } = testPhospho();
    const answer = phospho.wrap((_question: string, _chat: { id: string; owner: number }) => 'x', {
      sessionId: (_question, chat) => chat.id,
      userId: (_question, chat) => String(chat.owner),
    });
    const app = express();
    app.use(phospho.middleware(), express.json());
    app.post('/chat', (req, res) => {
      answer('Rain?', { id: 'known to the service', owner: 7 });
      if (req.query.own) req.phospho?.set({ sessionId: 'set' });
      res.json(completion);
    });
    await request(app).post('/chat').send(ASKED).expect(200);
    await request(app).post('/chat?own=1').send(ASKED).expect(200);
    expect(await events()).toMatchObject([
      { session_id: 'known to the service', user_id: '7' },
      { session_id: 'set', user_id: '7' },
    ]);
  });
});

describe('step', () => {
  it('is a step of the open task, with what it is told as its input', async () => {
    const { phospho, events } = testPhospho();
    const retrieve = async (): Promise<string[]> => ['a page'];
    const found = await phospho.wrap((question: string) =>
      phospho.step('retrieve', retrieve, { input: () => question }),
    )('Rain?');
    expect(found).toEqual(['a page']);
    expect(only(await events()).steps).toMatchObject([
      { name: 'retrieve', input: 'Rain?', output: '["a page"]', outcome: 'complete' },
    ]);
  });

  it('has the metadata of its hook, also where no texts are recorded', async () => {
    const { phospho, events } = testPhospho({ capture: 'metadata' });
    const retrieve = phospho.wrap((_question: string, _limit: number) => 'a page', {
      name: 'retrieve',
      metadata: (_question, limit) => ({ limit }),
    });
    phospho.wrap(() => retrieve('Rain?', 3), { name: 'around' })();
    expect(only(await events()).steps).toMatchObject([
      { name: 'retrieve', metadata: { limit: 3 }, output: '[not recorded]' },
    ]);
  });

  it('whose metadata is no object has none of it', async () => {
    const { phospho, events } = testPhospho();
    const odd = phospho.wrap(() => 'x', { name: 'odd', metadata: () => 'text' as never });
    phospho.wrap(() => odd(), { name: 'around' })();
    expect(only(await events()).steps).toMatchObject([{ name: 'odd', metadata: {} }]);
  });

  it('is a task where none is open', async () => {
    const { phospho, events } = testPhospho();
    expect(phospho.step('alone', () => 1)).toBe(1);
    expect(only(await events())).toMatchObject({ output: '1', metadata: { name: 'alone' } });
  });

  it.each<[unknown, unknown]>([
    ['', () => 1],
    [undefined, () => 1],
    [() => 1, 'x'],
  ])('without a name throws, and shows how it is written', (name, work) => {
    const { phospho } = testPhospho();
    expect(() => phospho.step(name as never, work as never)).toThrow(
      /must be a non-empty string.*step\('retrieve'/,
    );
  });
});

describe('startTask', () => {
  it('is recorded by its end, once, with what was said of it and the steps within', async () => {
    const { phospho, events } = testPhospho();
    const { taskId, set, run, step, end } = phospho.startTask({
      name: 'call',
      input: { messages: [{ role: 'user', content: 'Hello?' }] },
      taskId: 'mine',
      sessionId: 's',
      metadata: { line: 2 },
    });
    expect(taskId).toBe('mine');
    expect(run(() => wrap(() => 'inner', { name: 'look up' })())).toBe('inner');
    await step('answer', async () => {
      await phospho.step('deeper', async () => null);
    });
    set({ userId: 'u' });
    expect(await events()).toEqual([]);
    end({ output: completion });
    end({ output: 'again' });
    set({ userId: 'too late' });
    const event = only(await events());
    expect(event).toMatchObject({
      task_id: 'mine',
      session_id: 's',
      user_id: 'u',
      input: 'Hello?',
      output: completion.choices[0]?.message.content,
      model: completion.model,
      metadata: { name: 'call', line: 2, outcome: 'complete' },
      steps: [{ name: 'look up' }, { name: 'answer', steps: [{ name: 'deeper' }] }],
    });
  });

  it.each([
    [{ error: new TypeError('no line') }, { outcome: 'error', error: 'TypeError: no line' }],
    [{ output: 'Hel', outcome: 'aborted' as const }, { outcome: 'aborted' }],
    [undefined, { outcome: 'complete' }],
    [null as never, { outcome: 'complete' }],
  ])('ends as it is told: %j', async (result, metadata) => {
    const { phospho, events } = testPhospho();
    phospho.startTask({ input: 'Hello?' }).end(result);
    expect(only(await events()).metadata).toMatchObject(metadata);
  });

  it('within another task names it as its parent, and is of its masks', async () => {
    const { phospho, events } = testPhospho();
    const app = express();
    const mask = (text: string) => text.replaceAll('Ada', '***');
    app.use(phospho.middleware({ mask }), express.json());
    app.post('/chat', (_req, res) => {
      phospho.startTask({ input: 'I am Ada' }).end();
      res.json(completion);
    });
    await request(app).post('/chat').send(ASKED).expect(200);
    const [inner, outer] = await events();
    expect(inner).toMatchObject({ input: 'I am ***', session_id: 'of the body' });
    expect(inner?.metadata?.parent_task_id).toBe(outer?.task_id);
  });

  it('takes ids that may be undefined, as those of a user who may not be logged in', async () => {
    const { phospho, events } = testPhospho();
    const user = undefined as { id: string } | undefined;
    phospho.startTask({ input: 'x', userId: user?.id, sessionId: user?.id }).end();
    phospho.log({ input: 'x', userId: user?.id });
    for (const event of await events()) expect(event).not.toHaveProperty('user_id');
    expect(await events()).toHaveLength(2);
  });

  it('of a Phospho that is off runs what it is given, and records nothing', async () => {
    const { phospho, events } = testPhospho({ enabled: false });
    const task = phospho.startTask({ input: 'x' });
    expect(task.step('a', () => 1)).toBe(1);
    task.end({ output: 'y' });
    expect(await events()).toEqual([]);
    expect(phospho.stats().events.captured).toBe(0);
  });

  it('with an option that there is none of throws, and lists what it takes', () => {
    const { phospho } = testPhospho();
    expect(() => phospho.startTask({ session: 's' } as never)).toThrow(
      /startTask\(\) has no option "session"; it takes: name, input, taskId/,
    );
  });
});

describe('contextHeaders', () => {
  const appOf = (phospho: Phospho, trustContext?: boolean | ((req: object) => boolean)) => {
    const app = express();
    app.use(phospho.middleware(trustContext === undefined ? {} : { trustContext }));
    app.use(express.json());
    app.post('/chat', (_req, res) => void res.json(completion));
    return app;
  };

  it('ties the tasks of another process to this one, where that trusts them', async () => {
    const here = testPhospho();
    const there = testPhospho();
    const app = appOf(there.phospho, true);
    const ask = here.phospho.wrap(
      () => request(app).post('/chat').set(here.phospho.contextHeaders()).send(ASKED),
      { sessionId: () => 'sitting, 1', userId: () => 'Zoë=' },
    );
    await ask();
    const parent = only(await here.events());
    const child = only(await there.events());
    expect(child).toMatchObject({ session_id: 'sitting, 1', user_id: 'Zoë=' });
    expect(child.metadata?.parent_task_id).toBe(parent.task_id);
  });

  it.each([
    ['by default', undefined],
    ['by a function that says no', () => false],
    ['by a function that throws', () => JSON.parse('{')],
    ['by a function that is async', async () => true],
  ])('are not believed %s', async (_how, trustContext) => {
    const { phospho, events } = testPhospho({ logLevel: 'silent' });
    const header = 'task_id=foreign,session_id=foreign,user_id=foreign';
    const app = appOf(phospho, trustContext as () => boolean);
    await request(app).post('/chat').set('x-phospho-context', header).send(ASKED).expect(200);
    expect(JSON.stringify(await events())).not.toContain('foreign');
  });

  it.each(['', '=', ',,,', 'task_id', 'task_id=%zz', `task_id=${'x'.repeat(3_000)}`])(
    'that are none of ours say nothing, and cost nothing: %s',
    async (header) => {
      const { phospho, events } = testPhospho();
      const app = appOf(phospho, true);
      await request(app).post('/chat').set('x-phospho-context', header).send(ASKED).expect(200);
      const event = only(await events());
      expect(event.session_id).toBe('of the body');
      expect(event.metadata).not.toHaveProperty('parent_task_id');
    },
  );

  it('are none outside of any task, and of a Phospho that is off', () => {
    const { phospho } = testPhospho();
    expect(phospho.contextHeaders()).toEqual({});
    const off = testPhospho({ enabled: false }).phospho;
    expect(off.withContext({ sessionId: 's' }, () => off.contextHeaders())).toEqual({});
  });

  it('say the session of a context that is no task', () => {
    const { phospho } = testPhospho();
    const headers = phospho.withContext({ sessionId: 's 1' }, () => phospho.contextHeaders());
    expect(headers).toEqual({ 'x-phospho-context': 'session_id=s%201' });
  });

  it('are a header that any HTTP takes, and come back as they went, whatever the ids hold', () => {
    const id = fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(id, id, id, (sessionId, userId, versionId) => {
        const written = writeContext(undefined, { sessionId, userId, versionId });
        expect(written ?? '').toMatch(/^[\x21-\x7e]*$/);
        const fields = { sessionId, userId, versionId };
        const length = (written ?? '').length;
        if (written !== undefined) {
          expect(length).toBeLessThanOrEqual(2_048);
          const { fields: read } = readContext(written)!;
          for (const key of ['sessionId', 'userId', 'versionId'] as const) {
            expect([fields[key], undefined]).toContain(read[key]);
          }
          expect(read.sessionId).toBe(sessionId);
        }
      }),
    );
  });

  it('that anybody may have written are read without a throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readContext(text)));
  });
});
