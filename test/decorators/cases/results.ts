import { describe, expect, it } from 'vitest';
import { record, unhandledDuring } from '../recording.ts';
import type { Subjects } from './subjects.ts';

export function describeResults({ Desk, Annex }: Subjects): void {
  describe('a decorated method', () => {
    it('stays synchronous, and runs once', async () => {
      const recording = record();
      const desk = new Desk();
      expect(desk.greet('Ada')).toBe('Hello, Ada');
      expect(desk.runs).toBe(1);
      expect(await recording.event()).toMatchObject({
        input: 'Ada',
        output: 'Hello, Ada',
        metadata: { name: 'Desk.greet', outcome: 'complete' },
      });
    });

    it('answers a native promise with a native promise', async () => {
      const recording = record();
      const desk = new Desk();
      const promise = desk.ask('why?');
      expect(Object.getPrototypeOf(promise)).toBe(Promise.prototype);
      expect(await promise).toBe('Hello: why?');
      expect(desk.runs).toBe(1);
      expect(await recording.event()).toMatchObject({ input: 'why?', output: 'Hello: why?' });
    });

    it('runs to its end where nobody awaits it', async () => {
      const recording = record();
      let isDone = false;
      void new Desk().run(async () => {
        await null;
        isDone = true;
      });
      await expect.poll(() => isDone).toBe(true);
      expect((await recording.event()).metadata).toMatchObject({ outcome: 'complete' });
    });

    it('keeps its `this`, also where it is inherited, static or borrowed', async () => {
      const recording = record();
      expect(new Annex().greet('Ada')).toBe('Welcome, Ada');
      expect(Desk.sum(1, 2)).toBe(3);
      expect(Annex.sum(1, 2)).toBe(3);
      const borrowed = { greeting: 'Bonjour', runs: 0 };
      expect(Desk.prototype.greet.call(borrowed as InstanceType<typeof Desk>, 'Ada')).toBe(
        'Bonjour, Ada',
      );
      const names = (await recording.events()).map((event) => event.metadata?.name);
      expect(names).toEqual(['Annex.greet', 'Desk.sum', 'Annex.sum', 'greet']);
    });

    it('keeps its name, its length and its place in the class', () => {
      expect(Desk.prototype.greet.name).toBe('greet');
      expect(Desk.prototype.greet).toHaveLength(1);
      expect(Desk.sum).toHaveLength(2);
      expect(Object.getOwnPropertyDescriptor(Desk.prototype, 'greet')).toMatchObject({
        enumerable: false,
        configurable: true,
        writable: true,
      });
    });

    it('is still told for an async function or a generator by libraries that look', () => {
      const kindOf = (method: object) => Object.prototype.toString.call(method);
      expect(kindOf(Desk.prototype.ask)).toBe('[object AsyncFunction]');
      expect(kindOf(Desk.prototype.list)).toBe('[object GeneratorFunction]');
      expect(kindOf(Desk.prototype.stream)).toBe('[object AsyncGeneratorFunction]');
      expect(kindOf(Desk.prototype.greet)).toBe('[object Function]');
      expect(new Desk().stream()).toBeInstanceOf(Desk.prototype.stream);
    });

    it('throws the very error that its code throws', async () => {
      const recording = record();
      const desk = new Desk();
      for (const error of [new TypeError('no'), 'a string', 42, null, undefined]) {
        let thrown: unknown = 'nothing';
        try {
          desk.run(() => {
            throw error;
          });
        } catch (caught) {
          thrown = caught;
        }
        expect(thrown).toBe(error);
      }
      expect(desk.runs).toBe(5);
      const events = await recording.events();
      expect(events.map((event) => event.metadata?.outcome)).toEqual(Array(5).fill('error'));
      expect(events.map((event) => event.metadata?.error)).toEqual([
        'TypeError: no',
        'a string',
        '42',
        'null',
        undefined,
      ]);
      expect(events.every((event) => event.output === null)).toBe(true);
    });

    it('rejects with the very error that its code rejects with', async () => {
      const recording = record();
      const error = new RangeError('too far');
      const rejection = new Desk().run(() => Promise.reject(error));
      expect(await rejection.catch((caught: unknown) => caught)).toBe(error);
      expect((await recording.event()).metadata).toMatchObject({
        outcome: 'error',
        error: 'RangeError: too far',
      });
    });

    it('leaves a rejection that nobody handles to the host, once', async () => {
      record();
      const error = new Error('unhandled');
      const desk = new Desk();
      expect(await unhandledDuring(() => void desk.run(() => Promise.reject(error)))).toEqual([
        error,
      ]);
      const handled = () => void desk.run(() => Promise.reject(error)).catch(() => {});
      expect(await unhandledDuring(handled)).toEqual([]);
    });

    it('keeps what hangs on a promise', async () => {
      const recording = record();
      const cancel = (): string => 'cancelled';
      const promise = new Desk().run(() => Object.assign(Promise.resolve('done'), { cancel }));
      expect(promise.cancel).toBe(cancel);
      expect(await promise).toBe('done');
      expect(await recording.event()).toMatchObject({ output: 'done' });
    });

    it('gives back the very value that it gives', async () => {
      const recording = record();
      const value = Object.freeze({ sources: ['a'] });
      expect(new Desk().run(() => value)).toBe(value);
      expect(await new Desk().run(async () => value)).toBe(value);
      const outputs = (await recording.events()).map((event) => event.output);
      expect(outputs).toEqual(['{"sources":["a"]}', '{"sources":["a"]}']);
    });

    it('records its arguments as they were when it was called', async () => {
      const recording = record();
      const messages = [{ role: 'user', content: 'a question' }];
      await new Desk().converse(messages);
      expect(messages).toHaveLength(3);
      const event = await recording.event();
      expect(event.input).toBe('a question');
      expect(event.raw_input).toEqual({ 0: [{ role: 'user', content: 'a question' }] });
    });

    it('records its result as it was when it was given', async () => {
      const recording = record();
      const desk = new Desk();
      const result = desk.run(() => {
        const inner = desk.run(() => ({ found: ['a'] }));
        inner.found.push('b');
        return inner;
      });
      result.found.push('c');
      const event = await recording.event();
      expect(event.output).toBe('{"found":["a","b"]}');
      expect(event.steps).toMatchObject([{ output: '{"found":["a"]}' }]);
    });
  });
}
