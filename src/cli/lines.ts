/** One line of a file, without its line break. */
export interface Line {
  /** From 1, as editors count. */
  number: number;
  bytes: Buffer;
  /** Whether it ends in a line break: the last one may have been cut off. */
  isWhole: boolean;
}

const LINE_END = 10;

/**
 * The lines of a stream. Only a line feed ends a line: `node:readline` also breaks at U+2028, which JSON leaves as it
 * is.
 */
export async function* linesIn(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let number = 1;
  let parts: Buffer[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      const bytes = Buffer.concat([...parts, chunk.subarray(start, end)]);
      yield { number, bytes, isWhole: true };
      number += 1;
      parts = [];
      start = end + 1;
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield { number, bytes: Buffer.concat(parts), isWhole: false };
}

/** An empty line: nothing is lost with it. */
export function isBlank({ bytes }: Line): boolean {
  return bytes.length < 80 && bytes.toString('latin1').trim() === '';
}
