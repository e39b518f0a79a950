import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeJson, shorten, toPlain } from '../../../src/capture/serialize.ts';

const trap = (): never => {
  throw new Error('a trap');
};

describe('shorten()', () => {
  const MARKER = /\n\[… (\d+) of (\d+) characters left out …\]\n/;

  it('leaves alone what fits', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(shorten(text, text.length)).toBe(text);
      }),
    );
  });

  it('keeps head and tail within the limit, and says how much is missing', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.nat({ max: 100 }),
        (text, limit) => {
          fc.pre(text.length > limit && !MARKER.test(text));
          const [marker, missing, whole] = MARKER.exec(shorten(text, limit)) ?? [];
          const [head = '', tail = ''] = shorten(text, limit).split(marker ?? 'no marker');
          expect(text.startsWith(head) && text.endsWith(tail)).toBe(true);
          expect(head.length + tail.length).toBeLessThanOrEqual(limit);
          expect(head.length + tail.length + Number(missing)).toBe(text.length);
          expect(Number(whole)).toBe(text.length);
        },
      ),
    );
  });

  it('never cuts a character in two', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '😀', '𝒳', 'é'), minLength: 5 });
    fc.assert(
      fc.property(text, fc.nat({ max: 60 }), (whole, limit) => {
        expect(shorten(whole, limit)).not.toMatch(/\p{Surrogate}/u);
      }),
    );
  });
});

describe('toPlain()', () => {
  it('copies JSON as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.stringify(toPlain(value))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('makes JSON of anything', () => {
    const wild = fc.anything({ withBigInt: true, withMap: true, withSet: true, withDate: true });
    fc.assert(
      fc.property(wild, (value) => {
        expect(() => JSON.stringify(toPlain(value))).not.toThrow();
      }),
    );
  });

  it('marks what has no place in JSON, where it stands', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const value = {
      cycle,
      big: 1n,
      symbol: Symbol('s'),
      call: function named() {},
      nameless: Object.defineProperty(() => 1, 'name', { get: trap }),
      getter: Object.defineProperty({ a: 1 }, 'b', { get: trap, enumerable: true }),
      proxy,
      json: { toJSON: trap },
      date: new Date(0),
      noDate: new Date(Number.NaN),
      error: Object.assign(new RangeError('far'), { code: 1 }),
      odd: Object.assign(new Error('x'), { message: 1n }),
      bytes: new Uint8Array(9),
      map: new Map([['k', new Set([1])]]),
      objects: new Map([[{ a: 1 }, 2]]),
    };
    expect(JSON.parse(JSON.stringify(toPlain(value)))).toEqual({
      cycle: { self: '[circular]' },
      big: '1',
      symbol: 'Symbol(s)',
      call: '[function named]',
      nameless: '[function]',
      getter: { a: 1, b: '[unreadable]' },
      proxy: '[unreadable]',
      json: '[unreadable]',
      date: '1970-01-01T00:00:00.000Z',
      noDate: null,
      error: { name: 'RangeError', message: 'far' },
      odd: { name: 'Error', message: '1' },
      bytes: '[9 bytes]',
      map: { k: [1] },
      objects: [[{ a: 1 }, 2]],
    });
  });

  it('says of requests, responses and streams only what they are, wherever they stand', () => {
    const req = new IncomingMessage(new Socket());
    req.headers.cookie = 'sid=secret';
    const res = new ServerResponse(req);
    class Handled {
      readonly context = { req, res, socket: req.socket };
      readonly body = { question: 'why?' };
    }
    expect(toPlain([new Handled()])).toEqual([
      {
        context: { req: '[request]', res: '[response]', socket: '[stream]' },
        body: { question: 'why?' },
      },
    ]);
  });

  it('shows the same object twice where it stands twice', () => {
    const shared = { a: 1 };
    expect(toPlain([shared, shared])).toEqual([{ a: 1 }, { a: 1 }]);
  });

  it('ends, whatever the size and the depth', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(JSON.stringify(toPlain(deep))).toContain('[too deep]');
    const endless = { toJSON: () => ({ ...endless }) };
    expect(JSON.stringify(toPlain(endless))).toBe('"[too deep]"');
    const wide = Array.from({ length: 200_000 }, () => ({}));
    expect(JSON.stringify(toPlain(wide))).toMatch(/\[… 1\d{5} more\]"\]$/);
    expect(JSON.stringify(toPlain(new Array(1e9))).length).toBeLessThan(5_000_000);
  });

  it('keeps the first of a map or set of any size, and says how many more there are', () => {
    const map = new Map(Array.from({ length: 60_000 }, (_, i) => [`key ${i}`, i]));
    const plainMap = toPlain(map) as { [key: string]: unknown };
    expect(plainMap['key 49999']).toBe(49_999);
    expect(plainMap['key 50000']).toBeUndefined();
    expect(plainMap['…']).toBe('[… 10000 more]');
    const set = new Set(map.keys());
    expect((toPlain(set) as unknown[]).slice(49_999)).toEqual(['key 49999', '[… 10000 more]']);
  });

  it('looks into maps and sets by the platform’s own ways, whatever is put on them', () => {
    const set = Object.assign(new Set(['a']), {
      *[Symbol.iterator]() {
        for (;;) yield 'endless';
      },
    });
    const map = Object.assign(new Map([['a', 1]]), { keys: trap, entries: trap });
    expect(toPlain({ set, map })).toEqual({ set: ['a'], map: { a: 1 } });
  });

  it('is bounded in all, however many the texts', () => {
    const texts = Array.from({ length: 10_000 }, (_, i) => `${i} `.repeat(5_000));
    expect(JSON.stringify(toPlain({ texts })).length).toBeLessThan(5_000_000);
    const keys = Object.fromEntries(texts.slice(0, 500).map((key) => [key, 1]));
    expect(JSON.stringify(toPlain(keys)).length).toBeLessThan(5_000_000);
  });

  it('replaces base64 media by their size, and leaves prose', () => {
    const base64 = Buffer.alloc(30_000, 'media').toString('base64');
    expect(toPlain({ url: `data:image/png;base64,${base64}` })).toEqual({
      url: '[base64 image/png, 40022 characters]',
    });
    expect(toPlain([base64])).toEqual(['[base64 data, 40000 characters]']);
    const prose = 'the quick brown fox '.repeat(500);
    expect(toPlain(prose)).toBe(prose);
  });
});

describe('safeJson()', () => {
  it('is JSON.stringify for JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(safeJson(value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it('shows what JSON.stringify would not', () => {
    expect(safeJson(new Map([['a', 1n]]))).toBe('{"a":"1"}');
    expect(safeJson(new Set(['a']))).toBe('["a"]');
    expect(safeJson(new TypeError('no'))).toBe('{"name":"TypeError","message":"no"}');
    expect(safeJson(Buffer.alloc(1_000_000))).toBe('"[1000000 bytes]"');
    expect(safeJson({ a: 1n })).toBe('{"a":"1"}');
    expect(safeJson(() => 1)).toBeUndefined();
  });
});
