import { IncomingMessage, OutgoingMessage } from 'node:http';
import { Stream } from 'node:stream';

/**
 * What is recorded in place of a request, a response or another stream: a handler's arguments lead to all
 * headers, cookies and sockets that there are. Undefined for any other object.
 */
export function markerOf(value: object): string | undefined {
  // All of them are one, those of HTTP/2 too.
  if (!(value instanceof Stream)) return undefined;
  if (value instanceof IncomingMessage) return '[request]';
  return value instanceof OutgoingMessage ? '[response]' : '[stream]';
}
