import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeedbackRefusal, readFlagRequest } from '../../../src/feedback/flag-request.ts';

const read = (body: unknown) => readFlagRequest(body);

describe('readFlagRequest', () => {
  it.each([
    ...[
      'success',
      'SUCCESS',
      ' up ',
      'Yes',
      'true',
      '1',
      '+1',
      '👍',
      '👍🏿',
      '👍\ufe0f',
      '🙂',
      '😀',
      true,
      1,
    ],
  ])('takes %j for a success', (raw) => {
    expect(read({ raw_flag: raw }).flag).toBe('success');
    expect(read({ rawFlag: raw }).flag).toBe('success');
  });

  it.each([
    ...['failure', 'down', 'NO', 'false', '0', '-1', '👎', '👎🏻', '🙁', '😞', false, 0, -0, -1],
  ])('takes %j for a failure', (raw) => {
    expect(read({ raw_flag: raw }).flag).toBe('failure');
  });

  it.each(['', 'maybe', '👍👎', '🏿', 2, Number.NaN, {}, [], ['up'], '__proto__', 'constructor'])(
    'takes %j for no verdict',
    (raw) => {
      expect(() => read({ raw_flag: raw })).toThrow(FeedbackRefusal);
    },
  );

  it('a flag in plain words wins over a raw one', () => {
    expect(read({ flag: 'failure', raw_flag: '👍' }).flag).toBe('failure');
    expect(read({ flag: null, raw_flag: '👍' }).flag).toBe('success');
  });

  it('reads whatever JSON holds, or refuses it with a code: nothing else', () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom('success', 'up', 1, true, null));
    const names = ['flag', 'raw_flag', 'task_id', 'taskId', 'token', 'notes', '__proto__'];
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), field));
    fc.assert(
      fc.property(body, (value) => {
        const parsed: unknown = JSON.parse(JSON.stringify(value));
        try {
          expect(['success', 'failure']).toContain(read(parsed).flag);
        } catch (error) {
          expect(error).toBeInstanceOf(FeedbackRefusal);
          expect((error as FeedbackRefusal).status).toBe(400);
          expect((error as FeedbackRefusal).message.length).toBeLessThan(200);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('a field that only the prototype has does not count', () => {
    const body = JSON.parse('{"__proto__": {"flag": "success", "token": "t"}}');
    expect(() => read(body)).toThrow('flag is missing');
  });

  it('notes lose control and bidi characters, and keep everything else', () => {
    const notes = 'a\0b\u0007c\u009fd\u202ee\u2066f\u2069g\u200eh\u061ci\r\nj\rk\tl 👨‍👩‍👧 é';
    expect(read({ flag: 'success', notes }).notes).toBe('abcdefghi\nj\nk\tl 👨‍👩‍👧 é');
    expect(read({ flag: 'success', notes: 'a\ud800b\udc00c👍' }).notes).toBe('abc👍');
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const kept = read({ flag: 'success', notes: text }).notes ?? '';
        expect(kept).not.toMatch(/[^\P{Cc}\t\n]|\p{Bidi_Control}/u);
      }),
    );
  });

  it('says where a value is of the wrong kind or too long', () => {
    expect(() => read({ flag: 'success', notes: 7 })).toThrow('notes must be a string, got number');
    expect(() => read({ flag: 'success', notes: 'x'.repeat(2_001) })).toThrow(
      'at most 2000 characters, got 2001',
    );
    expect(() => read({ flag: 'success', taskId: 'x'.repeat(513) })).toThrow(
      'taskId must have at most 512',
    );
    expect(() => read({ flag: 'success', token: 'x'.repeat(5_000) })).toThrow(
      'token must have at most',
    );
    expect(() => read({ flag: 'success', task_id: '\udc00' })).toThrow('well-formed');
  });

  it('repeats no more of a strange value than shows the mistake', () => {
    expect(() => read({ flag: 'x'.repeat(5_000) })).toThrow(/^.{1,200}$/);
  });
});
