import type { StreamEvent } from './sse.ts';
import { parseJson } from './sse.ts';

/** JSON text sequences (RFC 7464) put this before each value. */
const RECORD_SEPARATOR = '\u001e';

/**
 * The events of a body of JSON lines, in order. A line that is no JSON is text; a last one that broke off within
 * its JSON is left out.
 */
export function readJsonLines(text: string, onEvent: (event: StreamEvent) => void): void {
  let from = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    const isLast = end < 0;
    const line = text.slice(from, isLast ? text.length : end);
    from = isLast ? text.length : end + 1;
    const data = line.replaceAll(RECORD_SEPARATOR, '').trim();
    const json = parseJson(data);
    if (data === '' || (isLast && json === undefined && /^[{["]/.test(data))) continue;
    onEvent({ event: undefined, data, json });
  }
}

/**
 * The objects of one JSON array that arrives as a stream, as far as it came: `[{…},⏎{…}`. One pass; anything
 * between them is left out.
 */
export function readArrayItems(text: string, onEvent: (event: StreamEvent) => void): void {
  let depth = 0;
  let begin = 0;
  let inString = false;
  for (let i = text.indexOf('[') + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (inString) {
      if (code === 0x5c) i += 1;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      if (depth === 0) begin = i;
      depth += 1;
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
      if (depth < 0) return;
      if (depth > 0) continue;
      const data = text.slice(begin, i + 1);
      onEvent({ event: undefined, data, json: parseJson(data) });
    }
  }
}
