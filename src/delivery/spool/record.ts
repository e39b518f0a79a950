import { crc32 } from 'node:zlib';

export type RecordKind = 'event' | 'flag';

/** One record of a segment. */
export interface SpoolRecord {
  /** Position among the records of its segment, from 0. */
  readonly seq: number;
  readonly kind: RecordKind;
  /** UNIX milliseconds at which it was accepted. */
  readonly at: number;
  /** JSON. */
  readonly text: () => string;
}

/**
 * A record is a line of text, so that people and `grep` can read a segment:
 * `<crc32> <bytes of text> <seq> <time> <kind> <text>\n`, the numbers in hexadecimal of fixed width. The
 * checksum is over all between it and the line's end.
 */
const HEAD_BYTES = 42;
const CRC_END = 9;
const KINDS: { readonly [letter: string]: RecordKind } = { e: 'event', f: 'flag' };
const HEAD = /^[0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{12} [ef] $/;
const LINE_END = 10;

/** Most records fit; written at once, they leave no garbage outside the heap, of which V8 thinks too little. */
const scratch = Buffer.allocUnsafeSlow(65_536);

/** The bytes of a record, to be written before the next one is encoded: they may share its memory. */
export function encodeRecord(
  kind: RecordKind,
  seq: number,
  at: number,
  text: string,
  bytes: number,
): Buffer {
  const length = recordBytes(bytes);
  const line =
    length <= scratch.length ? scratch.subarray(0, length) : Buffer.allocUnsafeSlow(length);
  const head = `00000000 ${hex(bytes, 8)} ${hex(seq, 8)} ${hex(at, 12)} ${kind[0]} `;
  line.write(head, 0, 'latin1');
  const written = line.write(text, HEAD_BYTES, 'utf8');
  if (written !== bytes) throw new RangeError(`a record of ${bytes} bytes came with ${written}`);
  line[HEAD_BYTES + bytes] = LINE_END;
  line.write(hex(crc32(line.subarray(CRC_END, HEAD_BYTES + bytes)), 8), 0, 'latin1');
  return line;
}

/** Bytes that a record takes in its segment. */
export function recordBytes(textBytes: number): number {
  return HEAD_BYTES + textBytes + 1;
}

/**
 * The first whole record at or after `from`, and where it ends. What is damaged or torn is skipped, line by
 * line; undefined: there is none.
 */
export function findRecord(
  bytes: Buffer,
  from: number,
): { record: SpoolRecord; end: number } | undefined {
  for (let at = from; at >= 0 && at < bytes.length; ) {
    const found = recordAt(bytes, at);
    if (found !== undefined) return found;
    const lineEnd = bytes.indexOf(LINE_END, at);
    if (lineEnd < 0) return undefined;
    at = lineEnd + 1;
  }
  return undefined;
}

function recordAt(bytes: Buffer, start: number): { record: SpoolRecord; end: number } | undefined {
  const head = bytes.toString('latin1', start, start + HEAD_BYTES);
  if (!HEAD.test(head)) return undefined;
  const textStart = start + HEAD_BYTES;
  const textEnd = textStart + number(head, 9, 17);
  // The checksum tells where it ends: a damaged line end must not cost the next record too.
  if (textEnd > bytes.length) return undefined;
  if (crc32(bytes.subarray(start + CRC_END, textEnd)) !== number(head, 0, 8)) return undefined;
  const record = {
    seq: number(head, 18, 26),
    at: number(head, 27, 39),
    kind: KINDS[head[40] ?? ''] ?? 'event',
    text: () => bytes.toString('utf8', textStart, textEnd),
  };
  return { record, end: Math.min(textEnd + 1, bytes.length) };
}

/** How many records a damaged part held: one a line. */
export function countLines(bytes: Buffer): number {
  return bytes.length === 0 ? 0 : bytes.toString('latin1').replace(/\n$/, '').split('\n').length;
}

/** The line that says that a record has come to its end: its position, and a checksum of that. */
export function encodeEnd(seq: number): string {
  const text = hex(seq, 8);
  return `${text} ${hex(crc32(text), 8)}\n`;
}

/** The positions of the records that have ended; a torn or damaged line counts for nothing. */
export function decodeEnds(text: string): Set<number> {
  const ends = new Set<number>();
  for (const line of text.split('\n')) {
    const [seq = '', crc = ''] = line.split(' ');
    if (/^[0-9a-f]{8}$/.test(seq) && hex(crc32(seq), 8) === crc) ends.add(Number.parseInt(seq, 16));
  }
  return ends;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}

function number(head: string, from: number, to: number): number {
  return Number.parseInt(head.slice(from, to), 16);
}
