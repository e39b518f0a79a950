import { isThenable } from '../internal/hooks.ts';
import type { OpenCall } from './call.ts';
import { followIterable, followIterator, isIteratorObject } from './iterators.ts';
import { followObservable, isObservable } from './observables.ts';
import { followSdkStream, isSdkStream } from './sdk-stream.ts';
import { followThenable } from './thenables.ts';

/**
 * Sees a result to its end without changing what it is: a value is recorded and returned, a promise when
 * it settles, a generator or stream as it is read.
 */
export function follow(result: unknown, call: OpenCall): unknown {
  try {
    if (isPlainPromise(result)) return derived(result, call);
    if (isThenable(result)) followThenable(result, call, followValue);
    else followValue(result, call);
  } catch {
    // A value whose traps throw is the app's to meet, not ours to look into.
    call.end('complete', {});
  }
  return result;
}

/** A promise that is nothing but that: another one in its place makes no difference. */
function isPlainPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise && Object.getPrototypeOf(value) === Promise.prototype;
}

/** A derived promise: a rejection that nobody handles is still unhandled, and still the host's. */
function derived(promise: Promise<unknown>, call: OpenCall): Promise<unknown> {
  const observed = promise.then(
    (value) => {
      followValue(value, call);
      return value;
    },
    (error: unknown) => {
      call.end('error', { error });
      throw error;
    },
  );
  // `cancel` and the like. Not symbols: Node keeps a promise's async context under some.
  for (const name of Object.getOwnPropertyNames(promise)) {
    const property = Object.getOwnPropertyDescriptor(promise, name);
    if (property && name !== 'then') Reflect.defineProperty(observed, name, property);
  }
  return observed;
}

function followValue(value: unknown, call: OpenCall): void {
  try {
    if (typeof value !== 'object' || value === null) call.end('complete', { output: value });
    else if (isIteratorObject(value)) followIterator(value, call);
    else if (isSdkStream(value)) followSdkStream(value, call);
    else if (isObservable(value)) followObservable(value, call);
    else if (isNodeOrWebStream(value)) call.end('complete', { output: '[stream]' });
    else if (Symbol.asyncIterator in value) followIterable(value, call);
    else call.end('complete', { output: value });
  } catch {
    call.end('complete', { output: value });
  }
}

function isNodeOrWebStream(value: object): boolean {
  return (
    ('pipe' in value && typeof value.pipe === 'function') ||
    ('getReader' in value && typeof value.getReader === 'function')
  );
}
