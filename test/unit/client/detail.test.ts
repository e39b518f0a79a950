import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detailOf, renderDetail } from '../../../src/client/detail.ts';

describe('the detail of an error answer', () => {
  it.each<[string, string, unknown]>([
    ['{"detail": "no"}', 'application/json', 'no'],
    ['{"detail": null}', 'application/json', null],
    ['{"error": {"code": "x", "message": "no"}}', '', { error: { code: 'x', message: 'no' } }],
    ['"no"', '', 'no'],
    ['plain words', 'text/plain', 'plain words'],
    ['<p>no</p>', '', undefined],
    ['no', 'text/html; charset=utf-8', undefined],
    ['  ', '', undefined],
  ])('of %s (%s)', (text, type, expected) => {
    expect(detailOf(text, type)).toEqual(expected);
  });

  it.each<[unknown, string]>([
    ['two\nlines\u001b[31m', 'two lines [31m'],
    [undefined, ''],
    [null, ''],
    [[{ loc: ['body', 0], msg: 'bad', type: 't' }, 'more'], 'body.0: bad; more'],
    [{ error: { message: 'no' } }, 'no'],
    [{ error: 'no' }, 'no'],
    [{ message: 'no' }, 'no'],
    [{ other: 1 }, '{"other":1}'],
    [7, '7'],
  ])('%j reads well', (detail, expected) => {
    expect(renderDetail(detail)).toBe(expected);
  });

  it('is at most 500 characters, in one line, whatever it is', () => {
    expect(renderDetail('x'.repeat(5000))).toBe(`${'x'.repeat(499)}…`);
    fc.assert(
      fc.property(fc.jsonValue(), (detail) => {
        const text = renderDetail(detail);
        expect(text.length).toBeLessThanOrEqual(500);
        expect(text).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});
