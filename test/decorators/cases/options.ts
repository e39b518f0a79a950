import type { CallOptions } from 'phospho-express';
import { describe, expect, it } from 'vitest';
import { readAll, record, unhandledDuring } from '../recording.ts';
import type { Subjects } from './subjects.ts';

export function describeOptions({ deskWith, Desk }: Subjects): void {
  describe('the options of a decorated method', () => {
    it('say what is recorded, from its arguments and its result', async () => {
      const recording = record();
      const desk = deskWith({
        name: 'answers',
        input: (question) => `Q: ${question}`,
        output: (result) => `A: ${result}`,
        sessionId: (_question, chat) => chat,
        userId: () => 'user_1',
        metadata: (question) => ({ letters: question.length }),
      });
      expect(await desk.answer('why?', 'chat_1')).toBe('re: why?');
      expect(await recording.event()).toMatchObject({
        input: 'Q: why?',
        output: 'A: re: why?',
        session_id: 'chat_1',
        user_id: 'user_1',
        metadata: { name: 'answers', letters: 4 },
      });
    });

    it('make ids of numbers', async () => {
      const recording = record();
      const numbered = { userId: () => 42, sessionId: () => null } as unknown as CallOptions;
      await deskWith(numbered).answer('why?', '1');
      const event = await recording.event();
      expect(event.user_id).toBe('42');
      expect(event).not.toHaveProperty('session_id');
    });

    it('show a stream to `output` as the list of its items', async () => {
      const recording = record();
      const desk = deskWith({ output: (items) => items.join('|') });
      for await (const _ of desk.tell('a', 'b'));
      for await (const _ of desk.tell('c', 'd')) break;
      expect((await recording.events()).map((event) => event.output)).toEqual(['a|b', 'c']);
    });

    it('call `output` once, and not for a call that failed', async () => {
      const recording = record();
      let calls = 0;
      const failing = deskWith({ output: () => `${++calls}` });
      await failing.answer('why?', '1');
      const stream = failing.tell('a');
      for await (const _ of stream);
      await stream.return(undefined);
      expect(calls).toBe(2);
      await recording.events();
    });

    it.each([
      ['input', 'why?', null],
      ['output', '', 're: why?'],
      [false, '', null],
    ] as const)('record with `capture: %s` that side only', async (capture, input, output) => {
      const recording = record();
      // A side that is not recorded is not shown to its hook either.
      const desk = deskWith({ capture: capture === 'input' ? 'input' : capture });
      await desk.answer('why?', '1');
      const event = await recording.event();
      expect({ ...event, output: event.output }).toMatchObject({ input, output });
      if (capture !== 'input') expect(event).not.toHaveProperty('raw_input');
      if (capture !== 'output') expect(event).not.toHaveProperty('raw_output');
    });

    const hooks = ['input', 'output', 'sessionId', 'userId', 'metadata'] as const;

    it.each(hooks)('change nothing for the caller where `%s` throws', async (hook) => {
      const recording = record();
      const desk = deskWith({
        [hook]: () => {
          throw new Error('a bug in a hook');
        },
      });
      expect(await desk.answer('why?', '1')).toBe('re: why?');
      expect(await readAll(desk.tell('a'))).toEqual(['a']);
      expect(await recording.events()).toHaveLength(2);
      expect(recording.said).toEqual([expect.stringContaining(`the hook ${hook} failed`)]);
    });

    it.each(hooks)('change nothing where `%s` gives a promise', async (hook) => {
      const recording = record();
      const never = deskWith({ [hook]: () => new Promise(() => {}) });
      expect(await never.answer('why?', '1')).toBe('re: why?');
      const rejecting = deskWith({ [hook]: () => Promise.reject(new Error('late')) });
      const call = () => void rejecting.answer('why?', '1');
      expect(await unhandledDuring(call)).toEqual([]);
      expect(await recording.events()).toHaveLength(2);
    });

    it('change nothing where `metadata` cannot be read', async () => {
      const recording = record();
      const metadata = (): { [key: string]: unknown } => ({
        get secret(): never {
          throw new Error('unreadable');
        },
      });
      expect(await deskWith({ metadata }).answer('why?', '1')).toBe('re: why?');
      expect(await recording.event()).toMatchObject({ output: 're: why?' });
    });
  });

  describe('secrets', () => {
    const secret = 'sk-proj-abcdefghijklmnop1234';

    it('do not leave, whatever they stand in and after', async () => {
      const recording = record();
      const desk = new Desk();
      desk.greet(`my key:\n${secret}`);
      desk.take({ nested: [`\t${secret}`], [secret]: 1 }, secret);
      desk.run(() => desk.greet(`"${secret}"`));
      try {
        desk.run(() => {
          throw new Error(`bad key ${secret}`);
        });
      } catch {}
      const text = JSON.stringify(await recording.events());
      expect(text).not.toContain(secret);
      expect(text).toContain('[credential]');
    });

    it('that are cut off do not break the record', async () => {
      const recording = record();
      new Desk().greet('-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN');
      expect(await recording.event()).toMatchObject({
        input: '[private key]',
        metadata: { outcome: 'complete' },
      });
    });

    it("go through the app's own mask, steps and metadata too", async () => {
      const recording = record({ mask: (text) => text.replaceAll('Ada', 'A…') });
      const desk = new Desk();
      desk.run(() => desk.greet('Ada'));
      const event = await recording.event();
      expect(JSON.stringify(event)).not.toContain('Ada');
      expect(event.steps).toMatchObject([{ input: 'A…' }]);
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error('a bug in the mask');
        },
      ],
      ['gives no text', () => undefined as unknown as string],
    ])('stay here altogether where the mask %s', async (_how, mask) => {
      const recording = record({ mask });
      expect(new Desk().greet('confidential')).toBe('Hello, confidential');
      const event = await recording.event();
      expect(JSON.stringify(event)).not.toContain('confidential');
      expect(event.metadata).toMatchObject({ mask_failed: true, outcome: 'complete' });
    });
  });
}
