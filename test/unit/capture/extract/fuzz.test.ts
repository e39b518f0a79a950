import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';
import { rawText } from '../../../../src/capture/extracted.ts';
import { answers } from '../../../fixtures/answers/index.ts';

/** What a stream's events, or a whole answer, hold. */
const bodies: [string, unknown[]][] = answers.map(({ format, whole, streamed }) => {
  const items = streamed.type.startsWith('application/json')
    ? JSON.parse(streamed.body)
    : streamed.body
        .split('\n')
        .filter((line) => /^(data: )?\{/.test(line))
        .map((line) => JSON.parse(line.replace('data: ', '')));
  return [format, [...items, whole]];
});

interface Place {
  owner: { [key: string]: unknown };
  key: string;
}

/** Every field, at any depth. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const owner = value as Place['owner'];
  return Object.keys(owner).flatMap((key) => [{ owner, key }, ...placesIn(owner[key])]);
}

const change = fc.tuple(
  fc.nat(),
  fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(undefined, null, {}, [], [{}], '', -1, '__proto__', 'constructor'),
    // What cannot be turned into a text by the language.
    fc.constantFrom({ toString: 0 }, [{ toString: null }], { toString: 'x', valueOf: 1 }),
  ),
);

describe.each(bodies)('%s with fields of any other type', (_format, items) => {
  it('never throws, and never says [object Object]', () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const changed: unknown[] = structuredClone(items);
        const places = placesIn(changed);
        for (const [place, value] of changes) {
          const at = places[place % places.length];
          if (at) at.owner[at.key] = value;
        }
        const whole = changed.at(-1);
        const read = [
          KNOWN_FORMATS.items(changed.slice(0, -1)),
          KNOWN_FORMATS.anyResponse(whole),
          KNOWN_FORMATS.request({ messages: [{ role: 'user', content: whole }], input: whole }),
        ];
        for (const parts of read) {
          expect(typeof (parts && 'output' in parts ? parts.output : '')).toBe('string');
          expect(rawText(parts)).not.toContain('[object');
        }
      }),
      { numRuns: 300 },
    );
  });
});
