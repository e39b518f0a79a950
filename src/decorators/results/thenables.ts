import { AsyncResource } from 'node:async_hooks';
import { runInScope } from '../../capture/context.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { derive } from './derive.ts';
import { Left } from './left.ts';

type Settled = (value: unknown) => unknown;

/** The calls that each covered promise still has to report to; one object may be handed out many times. */
const waiting = new WeakMap<object, { calls: Set<OpenCall>; left: Left }>();
/** Calls that wait for one promise at most. */
const MAX_WAITING = 1_000;

/**
 * A promise of another class (openai's APIPromise) has members of its own, so it is returned itself. It
 * may also be lazy: it is recorded when it is first consumed, and never started by us.
 */
export function followThenable(
  promise: PromiseLike<unknown>,
  call: OpenCall,
  followValue: (value: unknown, call: OpenCall) => void,
): void {
  const known = waiting.get(promise);
  if (known) {
    if (known.calls.size < MAX_WAITING) {
      known.calls.add(call);
      known.left.add(call);
    } else call.end('complete', {});
    return;
  }
  const calls = new Set([call]);
  const left = new Left();
  const settle = (report: (call: OpenCall) => void): void => {
    for (const waitingCall of calls) {
      calls.delete(waitingCall);
      report(waitingCall);
    }
  };
  const observer: Observer = {
    isParsed: false,
    fulfilled: (value) => settle((waitingCall) => followValue(value, waitingCall)),
    rejected: (error) => settle((waitingCall) => waitingCall.end('error', { error })),
    // What a lazy promise starts when it is consumed is part of the call.
    run: (work) => {
      // It goes on now, whether or not anybody keeps the promise itself.
      left.letGo();
      const [first] = calls;
      return first ? runInScope(first.scope, work) : work();
    },
  };
  if (!cover(promise, 'then', observedThen(promise.then, observer))) {
    // A frozen promise cannot be watched: that it was made is all that is known.
    call.end('complete', {});
    return;
  }
  waiting.set(promise, { calls, left });
  left.watch(promise);
  left.add(call);
  // The SDKs' `catch`, `finally` and `withResponse()` go by `parse()`, and not by `then()`.
  if ('parse' in promise && typeof promise.parse === 'function') {
    cover(promise, 'parse', observedParse(promise.parse as Method, observer));
  }
  if ('asResponse' in promise && typeof promise.asResponse === 'function') {
    cover(promise, 'asResponse', observedResponse(promise.asResponse as Method, observer));
  }
  // By it anthropic's helpers make another promise of the same response, and leave this one.
  if ('_responseProps' in promise && typeof promise._responseProps === 'function') {
    const props = promise._responseProps as Method;
    cover(promise, '_responseProps', observedResponse(props, observer, responseIn));
  }
}

/** One answer of an iterator's that is no plain promise. It stays itself, and is seen when its reader consumes it. */
export function seeThenable(
  answer: PromiseLike<unknown>,
  seen: (value: unknown) => void,
  failed: (error: unknown) => void,
  inScope: <R>(work: () => R) => R,
): void {
  let isSeen = false;
  const once =
    (look: (settled: unknown) => void): ((settled: unknown) => void) =>
    (settled) => {
      if (isSeen) return;
      isSeen = true;
      look(settled);
    };
  const observer: Observer = {
    isParsed: false,
    fulfilled: once(seen),
    rejected: once(failed),
    run: inScope,
  };
  cover(answer, 'then', observedThen(answer.then, observer));
}

type Method = (...args: unknown[]) => unknown;

interface Observer {
  /** Its answer is read, or about to be. */
  isParsed: boolean;
  fulfilled(value: unknown): void;
  rejected(error: unknown): void;
  run(work: () => unknown): unknown;
}

function observedThen(then: unknown, observer: Observer): unknown {
  return function observed(this: unknown, onFulfilled?: unknown, onRejected?: unknown): unknown {
    // The caller's callbacks run in the caller's context, not in the call's.
    const answer = typeof onFulfilled === 'function' ? bound(onFulfilled) : undefined;
    const recover = typeof onRejected === 'function' ? bound(onRejected) : undefined;
    const fulfilled = (value: unknown): unknown => {
      observer.fulfilled(value);
      return answer ? answer(value) : value;
    };
    const rejected = (error: unknown): unknown => {
      observer.rejected(error);
      if (recover) return recover(error);
      throw error;
    };
    observer.isParsed = true;
    return observer.run(() => Reflect.apply(then as Method, this, [fulfilled, rejected]));
  };
}

function observedParse(parse: Method, observer: Observer): unknown {
  return function observed(this: unknown, ...args: unknown[]): unknown {
    observer.isParsed = true;
    const parsed = observer.run(() => Reflect.apply(parse, this, args));
    return derive(parsed, observer.fulfilled, observer.rejected);
  };
}

/** `withResponse()` takes both: what is parsed counts, then. */
function observedResponse(
  asResponse: Method,
  observer: Observer,
  pick: (answer: unknown) => unknown = (answer) => answer,
): unknown {
  return function observed(this: unknown, ...args: unknown[]): unknown {
    const go = (): unknown => Reflect.apply(asResponse, this, args);
    if (observer.isParsed) return go();
    return derive(
      observer.run(go),
      (answer) => observer.fulfilled(pick(answer)),
      observer.rejected,
    );
  };
}

function responseIn(props: unknown): unknown {
  return (props as { response?: unknown }).response;
}

function bound(callback: unknown): Settled {
  return AsyncResource.bind(callback as Settled);
}
