import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { kindOf } from '../../../../src/capture/body-kind.ts';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';
import { answers } from '../../../fixtures/answers/index.ts';
import { bytesOf, recordings } from '../../../helpers/recordings.ts';

type Framing = 'events' | 'lines';

const isLong = (type: string): boolean => kindOf(type) === 'events' || kindOf(type) === 'lines';

const own = answers
  .filter(({ streamed }) => isLong(streamed.type))
  .map(({ format, streamed }): [string, Framing, string] => [
    format,
    kindOf(streamed.type) as Framing,
    streamed.body,
  ]);
const recorded = recordings
  .filter(({ content_type }) => isLong(content_type))
  .map((recording): [string, Framing, string] => [
    recording.file,
    kindOf(recording.content_type) as Framing,
    bytesOf(recording).toString(),
  ]);

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

/** As it is read while it goes on. */
function inParts(text: string, framing: Framing, at: readonly number[]): unknown {
  const reader = KNOWN_FORMATS.inParts(framing);
  const ends = [...at, 1].map((part) => Math.round(part * text.length)).sort((a, b) => a - b);
  let start = 0;
  for (const end of ends) {
    reader?.push(text.slice(start, end));
    start = end;
  }
  return reader?.end();
}

describe.each([...own, ...recorded])('%s', (_name, framing, text) => {
  it('says the same read in parts, wherever they are cut, and whatever its line ends', () => {
    const lineEnds = framing === 'events' ? ['\n', '\r\n', '\r'] : ['\n', '\r\n'];
    fc.assert(
      fc.property(cuts, fc.constantFrom(...lineEnds), fc.nat(), (at, lineEnd, brokenOff) => {
        const all = text.replaceAll('\n', lineEnd);
        // Every other one breaks off.
        const sent = brokenOff % 2 === 0 ? all : all.slice(0, brokenOff % all.length);
        expect(inParts(sent, framing, at)).toEqual(KNOWN_FORMATS.stream(sent, framing));
      }),
      { numRuns: 60 },
    );
  });
});

it.each([
  ['whole', ['\\ud83d\\ude00']],
  ['cut in two by the model', ['a\\ud83d', '\\ude00b', '\\ud83d', '\\ude00']],
  ['never completed', ['a\\ud83d', 'b', '', 'c']],
  ['empty', ['', '']],
])('a character beyond 16 bits, %s, says the same read in parts', (_name, pieces) => {
  const events = pieces.map(
    (content) =>
      `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${content}"}}]}\n\n`,
  );
  const reader = KNOWN_FORMATS.inParts('events');
  for (const event of events) reader?.push(event);
  expect(reader?.end()).toEqual(KNOWN_FORMATS.stream(events.join('')));
});

it('takes no longer for each part of a text with half a character in it', () => {
  const event = (content: string): string =>
    `data: {"choices":[{"delta":{"content":"${content}"}}]}\n\n`;
  const joined = vi.spyOn(Array.prototype, 'join');
  const longest = (first: string): number => {
    const reader = KNOWN_FORMATS.inParts('events');
    joined.mockClear();
    for (let i = 0; i < 200; i++) reader?.push(event(i === 0 ? first : 'x'.repeat(100)));
    return Math.max(...joined.mock.results.map(({ value }) => String(value).length));
  };
  try {
    expect(longest('\\ud83d')).toBe(longest('a'));
  } finally {
    joined.mockRestore();
  }
});
