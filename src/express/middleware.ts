import type { Socket } from 'node:net';
import { runInScope, type Scope } from '../capture/context.ts';
import { sharedSymbol } from '../internal/brand.ts';
import { Exchange, type HttpDoor } from './exchange.ts';
import { resolveMiddlewareOptions } from './resolve-options.ts';
import { tapResponse } from './response-tap.ts';
import type { AppRequest, AppResponse, Middleware, MiddlewareOptions, Next } from './types.ts';

/** On a response that is being watched: mounted twice, by app and router or by both copies, we act once. */
const TAPPED = sharedSymbol('tapped');

/** See `Phospho.middleware`. */
export function createMiddleware(door: HttpDoor, options: MiddlewareOptions = {}): Middleware {
  const resolved = resolveMiddlewareOptions(options);
  return function phosphoMiddleware(req: AppRequest, res: AppResponse, next: Next): void {
    let scope: Scope | undefined;
    try {
      if (door.recorder.isEnabled && !(TAPPED in res)) {
        Object.defineProperty(res, TAPPED, { value: true });
        const exchange = new Exchange(req, res, door, resolved);
        watch(req, res, exchange);
        scope = { recorder: door.recorder, task: exchange.task, step: undefined };
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      door.recorder.logger.once('middleware', 'error', `a request is not captured: ${message}`);
    }
    // Outside of the try: what the app throws is the app's.
    if (scope === undefined) next();
    else runInScope(scope, next);
  };
}

function watch(req: AppRequest, res: AppResponse, exchange: Exchange): void {
  Object.defineProperty(req, 'phospho', {
    value: exchange.handle,
    configurable: true,
    enumerable: false,
    writable: true,
  });
  tapResponse(res, exchange);
  // Whichever comes first; 'close' without 'finish' means that the client left, or that the server cut it off.
  const onFinish = (): void => over('complete');
  const onClose = (): void => over(res.writableFinished ? 'complete' : 'aborted');
  const over = (outcome: 'complete' | 'aborted'): void => {
    res.removeListener('finish', onFinish);
    res.removeListener('close', onClose);
    onSocketClose?.delete(onClose);
    exchange.onEnd(outcome);
  };
  res.on('finish', onFinish);
  res.on('close', onClose);
  const onSocketClose = req.httpVersionMajor < 2 ? closeListeners(req.socket) : undefined;
  onSocketClose?.add(onClose);
}

const LISTENERS = new WeakMap<Socket, Set<() => void>>();

/**
 * What to call when a connection closes: a response that waits behind another one of its connection
 * (pipelining), or was detached from its socket, emits nothing then. One listener a socket, since a pipeline
 * of a dozen requests would set off Node's warning about leaks.
 */
function closeListeners(socket: Socket | undefined): Set<() => void> | undefined {
  if (typeof socket?.once !== 'function') return undefined;
  let listeners = LISTENERS.get(socket);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    LISTENERS.set(socket, all);
    socket.once('close', () => {
      for (const listener of all) listener();
    });
    listeners = all;
  }
  return listeners;
}
