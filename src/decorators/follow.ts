import { isThenable } from '../internal/hooks.ts';
import type { OpenCall } from './call.ts';
import { cover, followIterable, followIterator, isIteratorObject } from './iterators.ts';

/**
 * Sees a result to its end without changing what it is: a value is recorded and returned, a promise when
 * it settles, a generator or stream as it is read.
 */
export function follow(result: unknown, call: OpenCall): unknown {
  if (result instanceof Promise && Object.getPrototypeOf(result) === Promise.prototype) {
    // A derived promise: a rejection that nobody handles is still unhandled, and still the host's.
    return result.then(
      (value) => followValue(value, call),
      (error: unknown) => {
        call.end('error', { error });
        throw error;
      },
    );
  }
  if (isThenable(result)) return followThenable(result, call);
  return followValue(result, call);
}

function followValue(value: unknown, call: OpenCall): unknown {
  try {
    return followObject(value, call);
  } catch {
    // A value whose traps throw is the app's to meet, not ours to look into.
    call.end('complete', {});
    return value;
  }
}

function followObject(value: unknown, call: OpenCall): unknown {
  if (typeof value === 'object' && value !== null) {
    if (isIteratorObject(value)) return followIterator(value, call);
    if (isNodeOrWebStream(value)) {
      call.end('complete', { output: '[stream]' });
      return value;
    }
    if (Symbol.asyncIterator in value) return followIterable(value, call);
  }
  call.end('complete', { output: value });
  return value;
}

/**
 * A promise of another class (openai's APIPromise) has members of its own, so it is returned itself. It
 * may also be lazy: it is recorded when it is first consumed, and never started by us.
 */
function followThenable(promise: PromiseLike<unknown>, call: OpenCall): unknown {
  const then = promise.then;
  let value: { followed: unknown } | undefined;
  const observed = function observedThen(
    this: PromiseLike<unknown>,
    onFulfilled?: ((value: unknown) => unknown) | null,
    onRejected?: ((error: unknown) => unknown) | null,
  ): unknown {
    const fulfilled = (resolved: unknown): unknown => {
      value ??= { followed: followValue(resolved, call) };
      return onFulfilled ? onFulfilled(value.followed) : value.followed;
    };
    const rejected = (error: unknown): unknown => {
      call.end('error', { error });
      if (onRejected) return onRejected(error);
      throw error;
    };
    return then.call(this, fulfilled, rejected);
  };
  // A frozen promise cannot be watched: that it was made is all that is known.
  if (!cover(promise, 'then', observed)) call.end('complete', {});
  return promise;
}

function isNodeOrWebStream(value: object): boolean {
  return (
    ('pipe' in value && typeof value.pipe === 'function') ||
    ('getReader' in value && typeof value.getReader === 'function')
  );
}
