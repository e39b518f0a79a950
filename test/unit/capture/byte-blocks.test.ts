import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteBlocks } from '../../../src/capture/byte-blocks.ts';
import { BLOCK_BYTES } from '../../../src/internal/blocks.ts';

const sizes = fc.oneof(
  fc.constantFrom(0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES),
  fc.nat(BLOCK_BYTES),
);
const chunks = fc.oneof(
  fc.tuple(sizes, fc.nat(255)).map(([size, byte]) => new Uint8Array(size).fill(byte)),
  fc
    .tuple(fc.string({ unit: 'grapheme' }), fc.nat(2_000))
    .map(([text, times]) => text.repeat(times)),
);

describe('ByteBlocks', () => {
  it('gives back the bytes that it was given, in order, and is empty afterwards', () => {
    fc.assert(
      fc.property(fc.array(fc.array(chunks, { maxLength: 8 }), { maxLength: 3 }), (rounds) => {
        const blocks = new ByteBlocks();
        for (const round of rounds) {
          const expected: Uint8Array[] = [];
          for (const chunk of round) {
            const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
            expected.push(bytes);
            blocks.append(chunk, bytes.byteLength);
          }
          const drained: Uint8Array[] = [];
          blocks.drain((bytes) => drained.push(Buffer.from(bytes)));
          expect(Buffer.concat(drained).equals(Buffer.concat(expected))).toBe(true);
        }
        blocks.drain(() => expect.fail('there is nothing more'));
      }),
      { examples: [[[[''], ['a']]]] },
    );
  });
});
