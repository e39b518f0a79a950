import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StoredText, TextStore } from '../../../src/delivery/text-store.ts';

describe('texts outside of the heap', () => {
  it('come back as they were put, however others come and go', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ put: fc.string({ unit: 'grapheme', maxLength: 40 }) }) },
      { weight: 1, arbitrary: fc.record({ times: fc.constantFrom(500, 4_000, 40_000) }) },
      { weight: 3, arbitrary: fc.record({ free: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const store = new TextStore();
        const live: { text: string; stored: StoredText }[] = [];
        const put = (text: string): void => {
          live.push({ text, stored: store.put(text, Buffer.byteLength(text)) });
        };
        for (const each of steps) {
          if ('put' in each) put(each.put);
          else if ('times' in each) put('é☔x'.repeat(each.times));
          else {
            const [gone] = live.splice(each.free % Math.max(1, live.length), 1);
            if (gone) store.free(gone.stored);
          }
          for (const { text, stored } of live) {
            expect(store.get(stored)).toBe(text);
            const body = Buffer.alloc(Buffer.byteLength(text) + 5);
            const end = store.copy(stored, body, 3);
            expect(end).toBe(body.length - 2);
            expect(body.toString('utf8', 3, end)).toBe(text);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});
