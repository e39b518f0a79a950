import { isBody, type ResponseTap } from './response-tap.ts';
import type { AppRequest, AppResponse } from './types.ts';

type AnyMethod = (...args: unknown[]) => unknown;

export interface EndHolder {
  /** False: whatever else is in this response, its end will not be held. */
  readonly mayHold: boolean;
  /** Makes the record, and says what the end waits for; undefined: for nothing. Never rejects. */
  settleBeforeEnd(): Promise<unknown> | undefined;
  onFault(error: unknown): void;
  /** No end is ever held where another middleware has put its own in its place. */
  onUnheld(): void;
}

/**
 * Holds the end of a response: `end()` returns at once and everything looks as if the response had ended, but
 * what it was given goes out only when the holder's promise has settled, or the client has left.
 *
 * Node's own `finished` stays false meanwhile: where it is true, a server that closes takes the connection
 * for idle and destroys it.
 */
export function holdEnd(
  req: AppRequest,
  res: AppResponse,
  tap: ResponseTap,
  holder: EndHolder,
): void {
  const target = res as unknown as { [name in 'write' | 'end' | 'cork' | 'uncork']: AnyMethod };
  const { write, end, cork, uncork } = target;
  if (!tap.isNodesEnd) {
    holder.onUnheld();
    return;
  }
  let release: (() => void) | undefined;
  /** By the app. `writableCorked` counts Node's own corking of the socket too, on Node 20 alone. */
  let corked = 0;
  /** Of further `end()`s. */
  const callbacks: (() => void)[] = [];

  const hold = (self: unknown, args: unknown[], until: Promise<unknown>): void => {
    const [chunk, ...others] = args;
    // Node would have sent it by now: what the app does to its buffer afterwards must not matter.
    const kept = chunk instanceof Uint8Array ? [Buffer.from(chunk), ...others] : args;
    const letGo = (): void => {
      if (release === undefined) return;
      release = undefined;
      res.off('close', letGo);
      Reflect.deleteProperty(res, 'writableEnded');
      try {
        end.apply(self, kept);
        for (const callback of callbacks) res.once('finish', callback);
      } catch (error) {
        holder.onFault(error);
        res.destroy();
      }
    };
    release = letGo;
    Object.defineProperty(res, 'writableEnded', { value: true, configurable: true });
    res.on('close', letGo);
    until.then(letGo, letGo);
  };

  // What has ended is not corked any more.
  target.cork = function countedCork(this: unknown, ...args: unknown[]): unknown {
    if (release !== undefined) return;
    corked += 1;
    return cork.apply(this, args);
  };

  target.uncork = function countedUncork(this: unknown, ...args: unknown[]): unknown {
    if (release !== undefined) return;
    corked = Math.max(0, corked - 1);
    return uncork.apply(this, args);
  };

  target.write = function heldWrite(this: unknown, ...args: unknown[]): unknown {
    // What is no body Node refuses by a throw; over HTTP/2 it looks at the end first.
    const isRefused = isBody(args[0]) || req.httpVersionMajor >= 2;
    if (release === undefined || !isRefused) return write.apply(this, args);
    refuse(args);
    return false;
  };

  target.end = function heldEnd(this: unknown, ...args: unknown[]): unknown {
    if (release !== undefined) {
      const [first] = args;
      const callback = callbackIn(args);
      if (!isNothing(first) && typeof first !== 'function') refuse(args);
      else if (callback) callbacks.push(callback);
      return this;
    }
    // Node sends what is corked behind the end of the body; a held end would come after the app's `uncork`.
    const isPlain = corked === 0 && canBeHeld(req, res, args);
    if (holder.mayHold && !isOver(req, res) && isPlain) {
      tap.announceEnd(args[0], args[1]);
      const until = holder.settleBeforeEnd();
      if (until !== undefined) {
        hold(this, args, until);
        return this;
      }
    }
    return end.apply(this, args);
  };
}

/**
 * A write after the end. Node would emit an 'error' only where the response has not closed yet, which it would
 * have by now: one that nobody listens to must not be the end of the process.
 */
function refuse(args: readonly unknown[]): void {
  const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
  const callback = callbackIn(args);
  if (callback) process.nextTick(callback, error);
}

function callbackIn(args: readonly unknown[]): ((error?: Error) => void) | undefined {
  return args.find((arg) => typeof arg === 'function') as ((error?: Error) => void) | undefined;
}

function isNothing(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** Ended before, or with nobody left to answer: then Node does what it does. */
function isOver(req: AppRequest, res: AppResponse): boolean {
  return res.writableEnded || res.destroyed || req.socket?.destroyed === true;
}

/** Whether Node would take these arguments, and a head that is written before its body changes nothing. */
function canBeHeld(req: AppRequest, res: AppResponse, [chunk, encoding]: unknown[]): boolean {
  const isEmpty = isNothing(chunk) || typeof chunk === 'function';
  // Over HTTP/2 a head is sent as it is written: with it, a response without a body has ended.
  if (req.httpVersionMajor >= 2) {
    if (req.method === 'HEAD' || (isEmpty && !res.headersSent)) return false;
  }
  if (!isEmpty && !isBody(chunk)) return false;
  return typeof encoding !== 'string' || Buffer.isEncoding(encoding);
}
