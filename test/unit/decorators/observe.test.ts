import { logTask, observe, PhosphoArgumentError, wrap } from 'phospho-express';
import { describe, expect, it, vi } from 'vitest';
import { outline, readAll, record } from '../../decorators/recording.ts';

const answer = (content: string) => ({
  object: 'chat.completion',
  model: 'm-1',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
});
const asked = { model: 'm', messages: [{ role: 'user', content: 'q' }] };

/** A resource of a client, with its method on the prototype, as the SDKs have it. */
class Completions {
  readonly #answer: string;

  constructor(text = 'a') {
    this.#answer = text;
  }

  async create(_body: object, _options?: object) {
    return answer(this.#answer);
  }
}

const client = () => ({ chat: { completions: new Completions() } });

describe('observe()', () => {
  it.each<[string, unknown, RegExp]>([
    [
      'nothing',
      undefined,
      /openai .* @anthropic-ai\/sdk .* ollama .* got undefined; for anything else, wrap/,
    ],
    ['null', null, /got null/],
    ['a text', 'gpt-4o', /got string/],
    ['an object of another kind', { chat: { rooms: [] }, messages: [] }, /got an object with none/],
    ['a function', () => 'x', /got an object with none/],
    [
      'a client whose getters throw',
      Object.defineProperty({}, 'generate', {
        get: () => {
          throw new Error('no key');
        },
      }),
      /got an object with none/,
    ],
    [
      'a proxy whose traps throw',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('no key');
          },
          getOwnPropertyDescriptor: () => {
            throw new Error('no key');
          },
        },
      ),
      /got an object with none/,
    ],
  ])('refuses %s', (_name, value, message) => {
    expect(() => observe(value as object)).toThrow(PhosphoArgumentError);
    expect(() => observe(value as object)).toThrow(message);
  });

  it('refuses what is frozen, and then changes nothing', () => {
    const frozen = { ...client(), responses: Object.freeze({ create: async () => ({}) }) };
    expect(() => observe(frozen)).toThrow(/its own "create" before the client's.*frozen or sealed/);
    expect(Object.hasOwn(frozen.chat.completions, 'create')).toBe(false);
    expect(() => observe(Object.freeze({ doGenerate() {}, doStream() {} }))).toThrow(
      PhosphoArgumentError,
    );
  });

  it('refuses an option that there is none of', () => {
    for (const options of [null, 'name', 7]) {
      expect(() => observe(client(), options as never)).toThrow(/must be an object, got/);
    }
    expect(() => observe(client(), { nme: 'x' } as object)).toThrow(
      /observe and @logTask have no option "nme"/,
    );
  });

  it('does not touch prototypes, and adds nothing that is seen when the client is listed', async () => {
    const recording = record();
    const one = observe(client());
    const original = Completions.prototype.create;
    await one.chat.completions.create(asked);
    await client().chat.completions.create(asked);
    expect(Completions.prototype.create).toBe(original);
    expect(Object.keys(one.chat.completions)).toEqual([]);
    expect(await recording.event()).toMatchObject({ input: 'q', output: 'a', model: 'm-1' });
  });

  it('observes a resource that is made when it is first asked for', async () => {
    const made = vi.fn(() => ({ completions: new Completions() }));
    class Lazy {
      #chat: ReturnType<typeof made> | undefined;

      get chat() {
        this.#chat ??= made();
        return this.#chat;
      }
    }
    const recording = record();
    const lazy = observe(observe(new Lazy()));
    expect(made).not.toHaveBeenCalled();
    const { create } = lazy.chat.completions;
    expect(lazy.chat.completions.create).toBe(create);
    await lazy.chat.completions.create(asked);
    expect(made).toHaveBeenCalledOnce();
    await recording.event();
  });

  it('observes what a proxy hides', async () => {
    const recording = record();
    let inner: ReturnType<typeof client> | undefined;
    const hidden = new Proxy({} as ReturnType<typeof client>, {
      get: (_target, name) => {
        inner ??= client();
        return Reflect.get(inner, name);
      },
    });
    await observe(hidden).chat.completions.create(asked);
    expect((await recording.event()).output).toBe('a');
  });

  it('twice is once, with the options of both', async () => {
    const recording = record();
    const twice = observe(observe(client(), { name: 'inner', userId: () => 'u' }), {
      name: 'outer',
    });
    await twice.chat.completions.create(asked);
    expect(await recording.event()).toMatchObject({ user_id: 'u', metadata: { name: 'outer' } });
  });

  it("through a second Phospho is that one's", async () => {
    const [first, second] = [record(), record()];
    const taken = second.phospho.observe(first.phospho.observe(client()));
    await taken.chat.completions.create(asked);
    expect(await first.events()).toEqual([]);
    await second.event();
  });

  it("isolates hooks that throw, and calls them with the call's own arguments", async () => {
    const recording = record();
    const seen = vi.fn();
    const fail = (): never => {
      throw new Error('hook');
    };
    const watched = observe(client(), {
      userId: fail,
      sessionId: seen,
      metadata: fail,
      output: fail,
    });
    const options = { timeout: 1 };
    expect(await watched.chat.completions.create(asked, options)).toEqual(answer('a'));
    expect(seen.mock.calls).toEqual([[asked, options]]);
    expect(seen.mock.calls[0]?.[0]).toBe(asked);
    expect((await recording.event()).input).toBe('q');
    expect(recording.said).toHaveLength(3);
  });

  it('only calls where no Phospho is, or it is disabled', async () => {
    const plain = observe(client());
    expect(await plain.chat.completions.create(asked)).toEqual(answer('a'));
    const { phospho, events } = record({ enabled: false });
    expect(await phospho.observe(plain).chat.completions.create(asked)).toEqual(answer('a'));
    expect(await events()).toEqual([]);
  });

  it('names a call of no model by its kind alone', async () => {
    const recording = record();
    await observe(client()).chat.completions.create({ messages: asked.messages });
    await (observe(client()).chat.completions.create as () => Promise<unknown>)();
    const names = (await recording.events()).map(({ metadata }) => metadata?.name);
    expect(names).toEqual(['chat', 'chat']);
  });
});

describe('wrappers within wrappers', () => {
  it('are one record a call, with the options of both; the outer ones win', async () => {
    const recording = record();
    const add = (a: number, b: number): number => a + b;
    const inner = wrap(add, { name: 'inner', userId: () => 'u', capture: 'output' });
    const outer = recording.phospho.wrap(inner, { name: 'outer' });
    expect(outer(1, 2)).toBe(3);
    expect(inner(3, 4)).toBe(7);
    expect(await recording.events()).toMatchObject([
      { input: '', output: '3', user_id: 'u', metadata: { name: 'outer' } },
      { output: '7', metadata: { name: 'inner' } },
    ]);
  });

  it('@logTask() on @logTask()', async () => {
    const recording = record();
    const method = async function* answers(this: unknown, question: string) {
      yield question;
    };
    const descriptor = { value: method, writable: true, configurable: true };
    const once = logTask({ name: 'inner', sessionId: (question) => question })({}, 'm', descriptor);
    const twice = logTask()({}, 'm', once as typeof descriptor);
    expect(await readAll(twice.value!('s'))).toEqual(['s']);
    const event = await recording.event();
    expect(event).toMatchObject({ session_id: 's', metadata: { name: 'inner' } });
    expect(outline(event)).toBe('');
  });

  it('of the other copy of the package as well', async () => {
    const recording = record();
    const observed = observe(client());
    const inner = wrap(() => 'x', { name: 'inner' });
    vi.resetModules();
    const other = await import('phospho-express');
    expect(other.wrap).not.toBe(wrap);
    other.wrap(inner)();
    await other.observe(observed).chat.completions.create(asked);
    const all = await recording.events();
    expect(all.map(({ metadata }) => metadata?.name)).toEqual(['inner', 'chat m']);
    expect(all.map((event) => outline(event))).toEqual(['', '']);
  });

  it("leave a decorator of somebody else's between them as it is", async () => {
    const recording = record();
    const inner = wrap(() => 'x', { name: 'inner' });
    const foreign = Object.assign(() => inner(), inner);
    wrap(foreign, { name: 'outer' })();
    expect(outline(await recording.event())).toBe('inner');
  });
});
