import { describe, expect, it } from 'vitest';
import { kindOf } from '../../../../src/capture/body-kind.ts';
import { ByteLog } from '../../../../src/capture/byte-log.ts';
import { KNOWN_FORMATS } from '../../../../src/capture/extract/index.ts';
import { type Answer, readAnswer } from '../../../../src/capture/read-answer.ts';
import { answers } from '../../../fixtures/answers/index.ts';
import { bytesOf, recordings } from '../../../helpers/recordings.ts';

const read = (text: string, type: string): Answer =>
  readAnswer(text, { formats: KNOWN_FORMATS, status: 200, kind: kindOf(type) });

/** Read from bytes that came in these pieces. */
function readPieces(type: string, ...pieces: Uint8Array[]): Answer {
  const log = new ByteLog();
  for (const piece of pieces) log.append(piece);
  const text = log.text();
  log.release();
  if (typeof text !== 'string') throw new Error('not encoded, so at hand');
  return read(text, type);
}

const own = answers.map(({ format, streamed }): [string, string, Buffer] => [
  format,
  streamed.type,
  Buffer.from(streamed.body),
]);

/** The shortest recorded stream of each format. */
const recorded = [...new Set(recordings.map(({ format }) => format))].map(
  (format): [string, string, Buffer] => {
    const streams = recordings
      .filter((recording) => recording.format === format && recording.file.endsWith('.sse'))
      .map((recording): [string, string, Buffer] => [
        recording.file,
        recording.content_type,
        bytesOf(recording),
      ]);
    return streams.reduce((one, other) => (one[2].length <= other[2].length ? one : other));
  },
);

describe.each([...own, ...recorded])('%s', (_name, type, bytes) => {
  const whole = read(bytes.toString(), type);

  it('is the same in two pieces, cut at every byte', () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parts = readPieces(type, bytes.subarray(0, cut), bytes.subarray(cut));
      if (!sameParts(parts, whole)) expect([cut, parts]).toEqual([cut, whole]);
    }
  });

  it('is the same with every kind of line end', () => {
    const text = bytes.toString();
    const ends = kindOf(type) === 'events' ? ['\r\n', '\r'] : ['\r\n'];
    for (const end of ends) expect(read(text.replaceAll('\n', end), type)).toEqual(whole);
  });

  it('gives what came so far, wherever it breaks off', () => {
    const names = callNames(whole);
    for (let end = 1; end < bytes.length; end++) {
      const { output = '', isExact, ...parts } = readPieces(type, bytes.subarray(0, end));
      // Before its first item is whole, an array is some JSON that broke off.
      if (kindOf(type) === 'json' && isExact !== true) continue;
      if (whole.output?.startsWith(output) !== true) expect([end, output]).toBe(whole.output);
      expect(names.slice(0, callNames(parts).length)).toEqual(callNames(parts));
    }
  });
});

function sameParts(one: Answer, other: Answer): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function callNames({ toolCalls }: Answer): string[] {
  return (toolCalls ?? []).map(({ name }) => name);
}
