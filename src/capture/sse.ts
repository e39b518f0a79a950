import { createParser } from 'eventsource-parser';

/** One event of a stream, its data parsed where it is JSON. */
export interface StreamEvent {
  /** The `event:` field, where there is one. */
  event: string | undefined;
  data: string;
  /** The parsed data; undefined where it is not JSON. */
  json: unknown;
}

/** How OpenAI and its likes say that a stream is over. */
const DONE = '[DONE]';

/**
 * The events of a text/event-stream body, in order; an unfinished last one counts too, since a stream may
 * break off or end without its blank line. `[DONE]` is not an event.
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export function readEventStream(text: string, onEvent: (event: StreamEvent) => void): void {
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (data !== DONE) onEvent({ event, data, json: parseJson(data) });
    },
  });
  parser.feed(text);
  parser.feed('\n\n');
}

/** JSON or undefined; a bare word or number is left as text, so that a token like `42` stays one. */
export function parseJson(text: string): unknown {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[' && first !== '"') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
