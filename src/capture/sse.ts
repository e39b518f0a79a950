import { createParser } from 'eventsource-parser';

/** One event of a stream, its data parsed where it is JSON. */
export interface StreamEvent {
  /** The `event:` field, where there is one. */
  event: string | undefined;
  data: string;
  /** The parsed data; undefined where it is not JSON. */
  json: unknown;
}

/** How OpenAI and its likes say that a stream is over; some encode it, as they do every event. */
const DONE = new Set(['[DONE]', '"[DONE]"']);

/**
 * The events of a text/event-stream body, in order; an unfinished last one counts too, since a stream may
 * break off or end without its blank line. `[DONE]` is not an event. JSON values with no blank line between them are
 * events of their own.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function readEventStream(text: string, onEvent: (event: StreamEvent) => void): void {
  let isUnfinished = false;
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (DONE.has(data.trim())) return;
      const json = parseJson(data);
      if (json === undefined && data.includes('\n')) {
        const events = jsonLines(event, data, isUnfinished);
        if (events) return events.forEach(onEvent);
      }
      // Half a JSON text is no text of the answer's.
      if (isUnfinished && json === undefined && JSON_BEGINS.has(data.trimStart()[0] ?? '')) return;
      onEvent({ event, data, json });
    },
  });
  parser.feed(withLineFeeds(text));
  isUnfinished = true;
  parser.feed('\n\n');
}

/**
 * The parser looks for both kinds of line end from each line on: where one of them is far away, or missing,
 * that takes quadratic time. Nor does it know a byte order mark that has been decoded.
 */
function withLineFeeds(text: string): string {
  const unmarked = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  return unmarked.includes('\r') ? unmarked.replace(/\r\n?/g, '\n') : unmarked;
}

/** Undefined unless each line is an object in JSON; the last one may have broken off. */
function jsonLines(
  event: string | undefined,
  data: string,
  isUnfinished: boolean,
): StreamEvent[] | undefined {
  const lines = data.split('\n').filter((line) => !DONE.has(line.trim()));
  const events: StreamEvent[] = [];
  for (const [index, line] of lines.entries()) {
    const json = line.startsWith('{') ? parseJson(line) : undefined;
    if (json !== undefined) events.push({ event, data: line, json });
    else if (!isUnfinished || index < lines.length - 1) return undefined;
  }
  return events.length > 0 ? events : undefined;
}

const JSON_BEGINS = new Set(['{', '[', '"']);

/** JSON or undefined; a bare word or number is left as text, so that a token like `42` stays one. */
export function parseJson(text: string): unknown {
  // Trimmed of a byte order mark as well, which JSON.parse refuses.
  const trimmed = text.trimStart();
  if (!JSON_BEGINS.has(trimmed[0] ?? '')) return undefined;
  try {
    return JSON.parse(trimmed);
  } catch {
    return undefined;
  }
}
