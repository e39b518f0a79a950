import type { Request, Response } from 'express';
import { HttpError } from '../http/http-error.ts';
import type { Changes } from '../model/changes.ts';
import { isSameLogin, type Logins } from './login.ts';
import { LIVE_EVENT } from './wire.ts';

const HEARTBEAT_MS = 15_000;
/** Each holds a socket. */
const MAX_STREAMS = 200;

/** The streams that tell open pages of news; a restart or the end of a login ends them. */
export class LiveStreams {
  readonly #changes: Changes;
  readonly #logins: Logins;
  /** With the request that opened it, which tells whose it is. */
  readonly #open = new Map<Response, Request>();
  #isClosed = false;

  constructor(changes: Changes, logins: Logins) {
    this.#changes = changes;
    this.#logins = logins;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @throws HttpError 503 where too many are open, or the collector closes */
  open(req: Request, res: Response, projectId: string): void {
    if (this.#isClosed || this.#open.size >= MAX_STREAMS) {
      throw new HttpError(503, 'Too many pages follow this collector live.', {
        'retry-after': '15',
      });
    }
    // Whoever has left while the request was looked at emits no second 'close'.
    if (res.destroyed) return;
    if (req.method === 'HEAD') {
      res.end();
      return;
    }
    res.set({
      'content-type': 'text/event-stream',
      // Compressed, lines would wait for others to come.
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    res.flushHeaders();
    send(res, ': open\n\n');
    this.#open.set(res, req);
    const stop = this.#changes.listen(projectId, () => send(res, NEWS));
    const heartbeat = setInterval(() => {
      this.#logins.isLoggedIn(req).then(
        (isLoggedIn) => (isLoggedIn ? send(res, ': still here\n\n') : res.end()),
        () => res.end(),
      );
    }, HEARTBEAT_MS);
    heartbeat.unref();
    res.once('close', () => {
      stop();
      clearInterval(heartbeat);
      this.#open.delete(res);
    });
  }

  /** Ends the streams of a login, in all windows of its browser. */
  endOf(login: Request): void {
    for (const [res, req] of this.#open) if (isSameLogin(req, login)) res.end();
  }

  close(): void {
    this.#isClosed = true;
    for (const res of this.#open.keys()) res.end();
  }
}

const NEWS = `event: ${LIVE_EVENT}\ndata: {}\n\n`;

/**
 * Between end() and 'close' a write would be an 'error' that nobody hears, and ends the process. A reader that
 * does not keep up misses lines instead of having them pile up: each only says that there is news.
 */
function send(res: Response, lines: string): void {
  if (!res.writableEnded && !res.destroyed && !res.writableNeedDrain) res.write(lines);
}
