import type { Socket } from 'node:net';
import { runInScope, type Scope } from '../capture/context.ts';
import { type Privacy, stricter } from '../capture/privacy.ts';
import type { OpenTask } from '../capture/task.ts';
import { sharedSymbol } from '../internal/brand.ts';
import { describeError } from '../internal/hooks.ts';
import { Exchange, type HttpDoor } from './exchange.ts';
import { holdEnd } from './hold-end.ts';
import { keepContext } from './keep-context.ts';
import { rememberSession } from './open-connections.ts';
import { resolveMiddlewareOptions } from './resolve-options.ts';
import { type ResponseTap, tapResponse } from './response-tap.ts';
import type { AppRequest, AppResponse, Middleware, MiddlewareOptions, Next } from './types.ts';

/** On a response that is being watched: mounted twice, by app and router or by both copies, we act once. */
const TAPPED = sharedSymbol('tapped');

/** See `Phospho.middleware`. */
export function createMiddleware(door: HttpDoor, options: MiddlewareOptions = {}): Middleware {
  const resolved = resolveMiddlewareOptions(options, (key, message) =>
    door.recorder.logger.once(key, 'warn', message),
  );
  return function phosphoMiddleware(req: AppRequest, res: AppResponse, next: Next): void {
    let scope: Scope | undefined;
    try {
      const { isEnabled } = door.recorder;
      if (isEnabled && TAPPED in res) {
        narrow(Reflect.get(res, TAPPED) as Tapped, resolved.privacy);
      } else if (isEnabled && !isTunnel(req)) {
        const tapped: Tapped = { task: undefined };
        Object.defineProperty(res, TAPPED, { value: tapped });
        const exchange = new Exchange(req, res, door, resolved);
        tapped.task = exchange.task;
        const tap = watch(req, res, exchange);
        if (resolved.flushBeforeEndMs !== undefined) holdEnd(req, res, tap, exchange);
        if (req.httpVersionMajor >= 2) rememberSession(req);
        scope = exchange.scope;
        keepContext(req, scope);
      }
    } catch (error) {
      const message = `a request is not captured: ${describeError(error)}`;
      door.recorder.logger.once('middleware', 'error', message);
    }
    // Outside of the try: what the app throws is the app's.
    if (scope === undefined) next();
    else runInScope(scope, next);
  };
}

/** An upgraded connection may be routed through the app (express-ws), and has no response that ends. */
function isTunnel({ method, upgrade }: AppRequest): boolean {
  return upgrade === true || method === 'CONNECT';
}

interface Tapped {
  task: Pick<OpenTask, 'privacy'> | undefined;
}

/** The first middleware records; what a second one withholds, such as that of a route, is withheld too. */
function narrow({ task }: Tapped, privacy: Privacy): void {
  if (task) task.privacy = stricter(task.privacy, privacy);
}

function watch(req: AppRequest, res: AppResponse, exchange: Exchange): ResponseTap {
  Object.defineProperty(req, 'phospho', {
    value: exchange.handle,
    configurable: true,
    enumerable: false,
    writable: true,
  });
  const tap = tapResponse(res, exchange);
  // Whichever comes first; 'close' without 'finish' means that the client left, or that the server cut it off.
  // An HTTP/2 response emits 'finish' for a stream that was reset or cut off, too.
  const isHttp2 = req.httpVersionMajor >= 2;
  const isWhole = (): boolean => !isHttp2 || (res.writableEnded && res.writableFinished);
  const onFinish = (): void => over(isWhole());
  const onClose = (): void => over(res.writableFinished);
  const over = (isComplete: boolean): void => {
    res.removeListener('finish', onFinish);
    res.removeListener('close', onClose);
    onSocketClose?.delete(onClose);
    if (isComplete) exchange.onEnd('complete');
    else exchange.onLeft();
  };
  res.on('finish', onFinish);
  res.on('close', onClose);
  const onSocketClose = isHttp2 ? undefined : closeListeners(req.socket);
  onSocketClose?.add(onClose);
  return tap;
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
