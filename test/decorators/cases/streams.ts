import { describe, expect, it } from 'vitest';
import { outline, readAll, record } from '../recording.ts';
import type { Subjects } from './subjects.ts';

export function describeStreams({ Desk }: Subjects): void {
  describe('a decorated generator', () => {
    it('yields, returns and takes values as before', async () => {
      const recording = record();
      const desk = new Desk();
      const list = desk.list('a', 'b');
      expect(list.next()).toEqual({ done: false, value: 'a' });
      expect(list.next('sent')).toEqual({ done: false, value: 'b' });
      expect(list.next()).toEqual({ done: true, value: 2 });
      expect(list.next()).toEqual({ done: true, value: undefined });
      expect(await recording.event()).toMatchObject({
        output: 'ab',
        metadata: { outcome: 'complete', streamed: true },
      });
    });

    it('can be spread, and delegated to', async () => {
      const recording = record();
      const desk = new Desk();
      function* twice(): Generator<string> {
        yield* desk.list('a', 'b');
        yield* desk.list('c');
      }
      expect([...twice()]).toEqual(['a', 'b', 'c']);
      expect((await recording.events()).map((event) => event.output)).toEqual(['ab', 'c']);
    });

    it('does not run before it is read, and no further than it is read', async () => {
      const recording = record();
      const desk = new Desk();
      const stream = desk.stream('a', 'b', 'c');
      await null;
      expect(desk).toMatchObject({ runs: 0, produced: 0 });
      await stream.next();
      await null;
      expect(desk).toMatchObject({ runs: 1, produced: 1 });
      await stream.return();
      expect(desk.produced).toBe(1);
      await recording.event();
    });

    it('is recorded as it was read, with all its text', async () => {
      const recording = record();
      const texts: string[] = [];
      for await (const text of new Desk().stream('one ', 'two ', 'three')) texts.push(text);
      expect(texts).toEqual(['one ', 'two ', 'three']);
      const event = await recording.event();
      expect(event).toMatchObject({
        output: 'one two three',
        metadata: { name: 'Desk.stream', outcome: 'complete', streamed: true },
      });
      expect(event.metadata?.time_to_first_token_ms).toBeTypeOf('number');
    });

    it('that is left early is aborted, with the part that was read', async () => {
      const recording = record();
      const desk = new Desk();
      for await (const text of desk.stream('one ', 'two ', 'three')) if (text === 'two ') break;
      for (const text of desk.list('a', 'b', 'c')) if (text === 'b') break;
      expect(await desk.stream('x').return(undefined)).toEqual({ done: true, value: undefined });
      const events = await recording.events();
      expect(events.map((event) => event.output)).toEqual(['one two ', 'ab', '']);
      expect(events.map((event) => event.metadata?.outcome)).toEqual(Array(3).fill('aborted'));
    });

    it('that an error is thrown into is aborted, and throws it', async () => {
      const recording = record();
      const desk = new Desk();
      const error = new Error('the reader is gone');
      const stream = desk.stream('one ', 'two');
      await stream.next();
      await expect(stream.throw(error)).rejects.toBe(error);
      const list = desk.list('a', 'b');
      list.next();
      expect(() => list.throw(error)).toThrow(error);
      const events = await recording.events();
      expect(events.map((event) => event.output)).toEqual(['one ', 'a']);
      expect(events.map((event) => event.metadata?.outcome)).toEqual(['aborted', 'aborted']);
    });

    it('that fails half-way throws its error, and keeps what it said', async () => {
      const recording = record();
      const error = new Error('the model is gone');
      const stream = new Desk().run(async function* () {
        yield 'half ';
        throw error;
      });
      const read = async (): Promise<void> => {
        for await (const _ of stream);
      };
      await expect(read()).rejects.toBe(error);
      expect(await recording.event()).toMatchObject({
        output: 'half ',
        metadata: { outcome: 'error', error: 'Error: the model is gone' },
      });
    });

    it('is seen through a promise', async () => {
      const recording = record();
      const desk = new Desk();
      const stream = await desk.run(async () => {
        await null;
        return (async function* () {
          yield 'late ';
          yield 'text';
        })();
      });
      expect(await readAll(stream)).toEqual(['late ', 'text']);
      expect(await recording.event()).toMatchObject({ output: 'late text' });
    });

    it('has what its code calls as steps, and its reader has none', async () => {
      const recording = record();
      const desk = new Desk();
      const stream = desk.run(async function* (self) {
        yield self.greet('Ada');
        await null;
        yield await self.ask('why?');
      });
      for await (const _ of stream) desk.take('by the reader');
      const events = await recording.events();
      const names = events.map((event) => event.metadata?.name).sort();
      expect(names).toEqual(['Desk.run', 'Desk.take', 'Desk.take']);
      const task = events.find((event) => event.metadata?.name === 'Desk.run');
      expect(outline(task!)).toBe('Desk.greet Desk.ask');
    });

    it('as a step ends when it is read, not when its task does', async () => {
      const recording = record();
      const desk = new Desk();
      await desk.run(async () => {
        for await (const _ of desk.stream('a', 'b'));
        for await (const _ of desk.stream('c', 'd')) break;
        desk.stream('never read');
      });
      const { steps } = await recording.event();
      expect(steps?.map(({ output, outcome }) => [output, outcome])).toEqual([
        ['ab', 'complete'],
        ['c', 'aborted'],
        [undefined, 'aborted'],
      ]);
    });

    it('of objects without text is recorded as their JSON', async () => {
      const recording = record();
      const items = new Desk().run(function* () {
        yield { id: 1 };
        yield { id: 2 };
      });
      expect([...items]).toHaveLength(2);
      expect(await recording.event()).toMatchObject({
        output: '[{"id":1},{"id":2}]',
        raw_output: [{ id: 1 }, { id: 2 }],
      });
    });

    it('handed out by many calls is recorded for each, and grows no layers', async () => {
      const recording = record();
      const desk = new Desk();
      const shared = (function* () {
        for (let i = 0; i < 3; i++) yield `${i}`;
      })();
      for (let i = 0; i < 900; i++) expect(desk.run(() => shared)).toBe(shared);
      expect([...shared]).toEqual(['0', '1', '2']);
      for (let i = 0; i < 900; i++) desk.run(() => shared);
      const events = await recording.events();
      expect(events).toHaveLength(1800);
      expect(events.every((event) => event.output === '012')).toBe(true);
    });
  });
}
