import { isThenable } from '../../internal/hooks.ts';
import type { OpenCall } from '../call.ts';
import { derivePlain, isPlainPromise } from './derive.ts';
import { followEventStream, isEventStream } from './event-streams.ts';
import { followIterable, followIterator, isIteratorObject } from './iterators.ts';
import { followNodeStream, isNodeStream } from './node-streams.ts';
import { followObservable, isObservable } from './observables.ts';
import { followResponse, isResponse } from './responses.ts';
import { followSdkStream, isSdkStream } from './sdk-stream.ts';
import { followThenable } from './thenables.ts';
import { followWebStream, isWebStream } from './web-streams.ts';

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

/** Calls that wait for each promise: an app may hand out one for as long as it runs. */
const waiting = new WeakMap<Promise<unknown>, number>();
const MAX_WAITING = 1_000;

/** With what hangs on the promise itself. */
function derived(promise: Promise<unknown>, call: OpenCall): Promise<unknown> {
  const count = waiting.get(promise) ?? 0;
  if (count >= MAX_WAITING) {
    call.end('complete', {});
    return promise;
  }
  waiting.set(promise, count + 1);
  const settled = (): void => void waiting.set(promise, (waiting.get(promise) ?? 1) - 1);
  const observed = derivePlain(
    promise,
    (value) => {
      settled();
      followValue(value, call);
    },
    (error) => {
      settled();
      call.end('error', { error });
    },
  );
  for (const key of Reflect.ownKeys(promise)) {
    // Node keeps a promise's async context under symbols: the new one has its own.
    if (Object.hasOwn(observed, key)) continue;
    const property = Object.getOwnPropertyDescriptor(promise, key);
    if (property) Reflect.defineProperty(observed, key, property);
  }
  return observed;
}

function followValue(value: unknown, call: OpenCall): void {
  try {
    if (typeof value !== 'object' || value === null) call.end('complete', { output: value });
    else followObject(value, call);
  } catch {
    call.end('complete', { output: value });
  }
}

function followObject(value: object, call: OpenCall): void {
  if (isIteratorObject(value)) followIterator(value, call);
  else if (isSdkStream(value)) followSdkStream(value, call);
  else if (isObservable(value)) followObservable(value, call);
  else if (isEventStream(value)) followEventStream(value, call);
  else if (isWebStream(value)) followWebStream(value, call);
  else if (isResponse(value)) followResponse(value, call);
  else if (isNodeStream(value)) followNodeStream(value, call);
  else if (hasPipe(value)) call.end('complete', { output: '[stream]' });
  else if (Symbol.asyncIterator in value) followIterable(value, call);
  else call.end('complete', { output: value });
}

function hasPipe(value: object): boolean {
  return 'pipe' in value && typeof value.pipe === 'function';
}
