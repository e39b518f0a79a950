import { PhosphoArgumentError, wrap } from 'phospho-express';
import { describe, expect, it, vi } from 'vitest';
import { record } from '../../decorators/recording.ts';

describe('wrap()', () => {
  it('records through the first Phospho that was constructed, and through its own', async () => {
    const first = record();
    const second = record();
    const add = (a: number, b: number): number => a + b;
    expect(wrap(add)(1, 2)).toBe(3);
    expect(second.phospho.wrap(add)(3, 4)).toBe(7);
    expect(await first.event()).toMatchObject({ output: '3', metadata: { name: 'add' } });
    expect(await second.event()).toMatchObject({ output: '7' });
  });

  it('refuses an option that there is none of', () => {
    const typo = { nme: 'x' } as object;
    expect(() => wrap(() => 'x', typo)).toThrow(/no option "nme"; they take: name, input/);
  });

  it('may be used before there is a Phospho', async () => {
    const early = wrap(() => 'x');
    expect(early()).toBe('x');
    const recording = record();
    early();
    await recording.event();
  });

  it('calls once, with `this` and all arguments as given', () => {
    record();
    const fn = vi.fn(function (this: unknown, ..._args: unknown[]) {
      return this;
    });
    const self = {};
    const hole = {};
    expect(wrap(fn).call(self, hole, undefined)).toBe(self);
    expect(fn.mock.calls).toEqual([[hole, undefined]]);
    expect(fn.mock.calls[0]?.[0]).toBe(hole);
  });

  it('keeps name, length and own properties, and does not touch the function', () => {
    const original = (a: string, _b?: string): string => a;
    original.displayName = 'shown';
    const before = Reflect.ownKeys(original);
    const wrapped = wrap(original);
    expect(wrapped.name).toBe('original');
    expect(wrapped).toHaveLength(2);
    expect(wrapped.displayName).toBe('shown');
    expect(Reflect.ownKeys(original)).toEqual(before);
  });

  it('takes functions that are anything but ordinary', () => {
    record();
    const frozen = Object.freeze(() => 1);
    expect(wrap(frozen)()).toBe(1);
    expect(wrap(Object.setPrototypeOf(() => 2, null))()).toBe(2);
    expect(wrap(Object.defineProperty(() => 3, 'name', { value: 42 }))()).toBe(3);
    expect(wrap(new Proxy(() => 4, {}))()).toBe(4);
    expect(wrap(wrap(() => 5))()).toBe(5);
    expect(wrap(Math.max)(1, 6)).toBe(6);
  });

  it('refuses what is no function, and says what came', () => {
    expect(() => wrap(undefined as never)).toThrow(PhosphoArgumentError);
    expect(() => wrap(null as never)).toThrow('wrap() takes a function, got null');
  });
});

describe('log()', () => {
  it('records a task by hand, with ids of its own or the given ones', async () => {
    const { phospho, events } = record();
    const minted = phospho.log({ input: 'a', output: 'b' });
    const given = phospho.log({
      input: [{ role: 'user', content: 'c' }],
      taskId: 'task_1',
      sessionId: 'session_1',
    });
    expect(minted).toEqual({ taskId: expect.stringMatching(/^task_/), sessionId: undefined });
    expect(given).toEqual({ taskId: 'task_1', sessionId: 'session_1' });
    expect(await events()).toMatchObject([
      { task_id: minted.taskId, input: 'a', output: 'b' },
      { task_id: 'task_1', session_id: 'session_1', input: 'c', output: null },
    ]);
  });

  it('records what it was given as it was then', async () => {
    const { phospho, event } = record();
    const output = { lines: ['a'] };
    phospho.log({ input: 'q', output });
    output.lines.push('b');
    expect((await event()).output).toBe('{"lines":["a"]}');
  });

  it('names the task that it stands in as its parent', async () => {
    const { phospho, events } = record();
    phospho.wrap(() => phospho.log({ input: 'inner' }), { name: 'outer' })();
    const all = await events();
    const outer = all.find((event) => event.metadata?.name === 'outer');
    const inner = all.find((event) => event.input === 'inner');
    expect(inner?.metadata?.parent_task_id).toBe(outer?.task_id);
  });

  it('refuses a task without an input', () => {
    const { phospho } = record();
    for (const task of [undefined, null, {}, 'text']) {
      expect(() => phospho.log(task as never)).toThrow(PhosphoArgumentError);
    }
  });

  it('gives ids and records nothing where Phospho is disabled', async () => {
    const { phospho, events } = record({ enabled: false });
    expect(phospho.log({ input: 'a' }).taskId).toMatch(/^task_/);
    expect(await events()).toEqual([]);
    expect(phospho.stats().events.captured).toBe(0);
  });
});

describe('newSession() and newTask()', () => {
  it('mint ids that sort by time, and send nothing', async () => {
    const { phospho, events } = record();
    const ids = Array.from({ length: 100 }, () => phospho.newTask());
    expect(new Set(ids).size).toBe(100);
    expect([...ids].sort()).toEqual(ids);
    expect(phospho.newSession()).toMatch(/^session_[0-9a-f-]{36}$/);
    expect(await events()).toEqual([]);
  });
});
