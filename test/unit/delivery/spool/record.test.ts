import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEnds,
  encodeEnd,
  encodeRecord,
  findRecord,
} from '../../../../src/delivery/spool/record.ts';

const texts = fc.array(
  fc.record({ text: fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)) }),
  { minLength: 1, maxLength: 20 },
);

const bytesOf = (text: string): number => Buffer.byteLength(text);

function encode(all: readonly { text: string }[]): Buffer {
  const lines = all.map(({ text }, seq) =>
    Buffer.from(
      encodeRecord(seq % 3 ? 'event' : 'flag', seq, 1_760_000_000_000, text, bytesOf(text)),
    ),
  );
  return Buffer.concat(lines);
}

function seqsIn(bytes: Buffer): number[] {
  const seqs: number[] = [];
  for (let found = findRecord(bytes, 0); found; found = findRecord(bytes, found.end)) {
    seqs.push(found.record.seq);
  }
  return seqs;
}

describe('records', () => {
  it('come back as they were written, whatever the text', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const bytes = encode(all);
        const read: unknown[] = [];
        for (let found = findRecord(bytes, 0); found; found = findRecord(bytes, found.end)) {
          const { seq, kind, at, text } = found.record;
          read.push({ seq, kind, at, text: text() });
        }
        expect(read).toEqual(
          all.map(({ text }, seq) => ({
            seq,
            kind: seq % 3 ? 'event' : 'flag',
            at: 1_760_000_000_000,
            text,
          })),
        );
      }),
    );
  });

  it('are lost one at a time to a damaged byte, wherever it is, and none is read that was changed', () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.integer({ min: 1, max: 255 }), (all, at, change) => {
        const bytes = encode(all);
        const offset = at % bytes.length;
        const hit = encode(all)
          .subarray(0, offset)
          .filter((byte) => byte === 10).length;
        bytes[offset] = (bytes[offset] ?? 0) ^ change;
        const expected = all.map((_, seq) => seq);
        const found = seqsIn(bytes);
        expect(expected.filter((seq) => seq !== hit && !found.includes(seq))).toEqual([]);
        expect(found.filter((seq) => !expected.includes(seq))).toEqual([]);
      }),
    );
  });

  it('are read up to where a file breaks off', () => {
    fc.assert(
      fc.property(texts, fc.nat(), (all, at) => {
        const bytes = encode(all);
        const torn = bytes.subarray(0, at % bytes.length);
        const whole = torn.filter((byte) => byte === 10).length;
        expect(seqsIn(torn).slice(0, whole)).toEqual(all.slice(0, whole).map((_, seq) => seq));
        expect(seqsIn(torn).length - whole).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('the list of ends', () => {
  it('counts whole lines, and nothing that is damaged or torn', () => {
    const lines = [1, 2, 3].map(encodeEnd).join('');
    expect([...decodeEnds(lines)]).toEqual([1, 2, 3]);
    expect([...decodeEnds(lines.slice(0, -3))]).toEqual([1, 2]);
    expect([...decodeEnds(lines.replace('00000002', '00000007'))]).toEqual([1, 3]);
    expect([...decodeEnds('\nrubbish\n\n')]).toEqual([]);
  });
});
