import type { IncomingMessage, Server, ServerResponse } from 'node:http';

/** Requests whose senders wait for a word before they send the body. */
const waiting = new WeakSet<IncomingMessage>();

/**
 * `Expect: 100-continue` is answered when somebody wants the body, not before the request has been looked at: who
 * brings no key, or has reached a limit, need not send it. Node would say it at once.
 */
export function continueWhenRead(server: Server): void {
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
    waiting.add(req);
    // If it is refused, nobody knows whether the body still comes, so what follows could not be told from it.
    res.setHeader('connection', 'close');
    server.emit('request', req, res);
  });
}

/** To be called before a body is read. */
export function askForBody(req: IncomingMessage, res: ServerResponse): void {
  if (!waiting.delete(req)) return;
  res.removeHeader('connection');
  res.writeContinue();
}
