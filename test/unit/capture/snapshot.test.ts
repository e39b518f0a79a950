import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { snapshot } from '../../../src/capture/snapshot.ts';

describe('a snapshot', () => {
  it('equals what it is taken of', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(snapshot(value)).toEqual(value);
      }),
    );
  });

  it('does not change with it', () => {
    const messages = [{ role: 'user', parts: [{ text: 'a' }] }];
    const request = { messages, options: { n: 1 } };
    const taken = snapshot(request);
    messages.push({ role: 'assistant', parts: [] });
    messages[0]?.parts.push({ text: 'b' });
    request.options.n = 2;
    expect(taken).toEqual({
      messages: [{ role: 'user', parts: [{ text: 'a' }] }],
      options: { n: 1 },
    });
  });

  it('of a long list keeps the list, and refers to its entries', () => {
    const list = Array.from({ length: 5_000 }, (_, n) => ({ n }));
    const taken = snapshot(list) as typeof list;
    list.push({ n: -1 });
    expect(taken).toHaveLength(5_000);
    expect(taken[4_999]).toBe(list[4_999]);
  });

  it('is bounded: of what is huge or deep it keeps the reference', () => {
    const holes = new Array(1e9);
    expect(snapshot(holes)).toBe(holes);
    const many = Array.from({ length: 100 }, () => new Array(5_000).fill(0));
    const taken = snapshot(many) as unknown[];
    expect(taken.filter((list, i) => list !== many[i])).toHaveLength(1);
    const leaf = {};
    expect(snapshot([[[[leaf]]]])).toEqual([[[[leaf]]]]);
    expect((snapshot([[[[leaf]]]]) as [[[unknown[]]]])[0][0][0][0]).toBe(leaf);
  });

  it('of cycles, class instances, streams and functions keeps the reference', () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    expect(() => snapshot(cycle)).not.toThrow();
    for (const value of [
      new Date(),
      new Map(),
      new URL('http://a.invalid'),
      () => 1,
      new Error(),
    ]) {
      expect(snapshot(value)).toBe(value);
    }
  });

  it("runs none of the app's code", () => {
    let runs = 0;
    const count = (): never => {
      runs += 1;
      throw new Error('the app’s own code ran');
    };
    class Rows extends Array<number> {
      static override get [Symbol.species](): never {
        return count();
      }
    }
    const withGetter = Object.defineProperty({ a: 1 }, 'b', { get: count, enumerable: true });
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const value = { rows: Rows.of(1, 2), withGetter, proxy, text: 'x' };
    const taken = snapshot(value) as typeof value;
    expect(runs).toBe(0);
    expect(Object.is(taken, value)).toBe(false);
    expect(taken.withGetter).toBe(withGetter);
    expect([...taken.rows]).toEqual([1, 2]);
    expect(Object.is(taken.proxy, proxy)).toBe(true);
  });

  it('does not hold on to a request, a response or a stream', () => {
    const req = new IncomingMessage(new Socket());
    const taken = snapshot({ req, res: new ServerResponse(req), sockets: [req.socket] });
    const marked = { req: '[request]', res: '[response]', sockets: ['[stream]'] };
    expect(JSON.parse(JSON.stringify(taken))).toEqual(marked);
  });

  it('has no prototype of another one’s making', () => {
    const taken = snapshot(JSON.parse('{"__proto__": {"isAdmin": true}}')) as { isAdmin?: boolean };
    expect(taken.isAdmin).toBeUndefined();
    expect(Object.keys(taken)).toEqual(['__proto__']);
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
  });
});
