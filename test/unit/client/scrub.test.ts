import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scrubber } from '../../../src/client/scrub.ts';

const KEY = 'sk-a"b%c/d';
const scrub = new Scrubber(KEY);

describe('a secret', () => {
  it('is taken out of any text, plain, in JSON or in a URL', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        for (const form of [KEY, JSON.stringify(KEY), encodeURIComponent(KEY)]) {
          expect(scrub.text(before + form + after)).not.toContain(form.replace(/^"|"$/g, ''));
        }
      }),
    );
  });

  it('is taken out of any JSON value, and the rest stays', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const clean = scrub.json({ value, [KEY]: [KEY, { a: KEY }] });
        expect(JSON.stringify(clean)).not.toContain(JSON.stringify(KEY).slice(1, -1));
        expect(JSON.stringify((clean as { value: unknown }).value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it('is not looked for at endless depth', () => {
    let deep: unknown = KEY;
    for (let i = 0; i < 10_000; i++) deep = [deep];
    expect(inspect(scrub.json(deep), { depth: 99 })).not.toContain(KEY);
  });

  it('is taken out of an error only where it is in it', () => {
    const innocent = new Error('x');
    expect(scrub.cause(innocent)).toBe(innocent);
    expect(scrub.cause(undefined)).toBeUndefined();
    const guilty = Object.assign(new TypeError(`x ${KEY}`), { code: 'E_X', data: { KEY } });
    const clean = scrub.cause(guilty) as Error;
    expect(inspect(clean, { depth: 9, showHidden: true })).not.toContain(KEY);
    expect(clean).toMatchObject({ name: 'TypeError', message: 'x [api key]', code: 'E_X' });
    expect(scrub.cause(`thrown ${KEY}`)).toMatchObject({ message: 'thrown [api key]' });
  });

  it('of less than four characters is none', () => {
    expect(new Scrubber('dev').text('a device')).toBe('a device');
  });
});
