/** One line of a file, without its line break. */
export interface Line {
  /** From 1, as editors count. */
  number: number;
  bytes: Buffer;
  /** Whether it ends in a line break: the last one may have been cut off. */
  isWhole: boolean;
  /** It was longer than is read: `bytes` is empty. */
  isTooLong: boolean;
}

const LINE_END = 10;

/**
 * The lines of a stream. Only a line feed ends a line: `node:readline` also breaks at U+2028, which JSON leaves as it
 * is.
 *
 * @param maxBytes - of a line; of longer ones only that they were there is told
 */
export async function* linesIn(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number = Number.POSITIVE_INFINITY,
): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  let length = 0;
  const take = (part: Buffer): void => {
    length += part.length;
    if (length > maxBytes) parts = [];
    else parts.push(part);
  };
  const line = (isWhole: boolean): Line => {
    const ended = { number, bytes: Buffer.concat(parts), isWhole, isTooLong: length > maxBytes };
    parts = [];
    length = 0;
    number += 1;
    return ended;
  };
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      take(chunk.subarray(start, end));
      yield line(true);
      start = end + 1;
    }
    if (start < chunk.length) take(chunk.subarray(start));
  }
  if (length > 0) yield line(false);
}

/** An empty line: nothing is lost with it. */
export function isBlank({ bytes, isTooLong }: Line): boolean {
  return !isTooLong && bytes.length < 80 && bytes.toString('latin1').trim() === '';
}
