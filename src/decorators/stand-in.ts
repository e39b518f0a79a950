import { callRecorded, type Follow, type OpenCall } from './call.ts';
import type { AnyFunction } from './result-of.ts';

/** Undefined: this call is not recorded. */
export type Open = (self: unknown, args: unknown[]) => OpenCall | undefined;

/**
 * What is called in place of a function. As with the function itself, `new` works on it or throws, and it has a
 * `prototype` or none: by these some libraries tell classes and arrow functions.
 */
export function standIn(fn: AnyFunction, open: Open, follow: Follow): AnyFunction {
  return isConstructor(fn) ? constructible(fn, open, follow) : callable(fn, open, follow);
}

/*
 * A call that is not recorded goes straight to the function: one frame of ours a level, so that what recurses deeply
 * still can.
 */

/** For methods and arrow functions. */
export function callable(fn: AnyFunction, open: Open, follow: Follow): AnyFunction {
  const { wrapper } = {
    wrapper(this: unknown, ...args: unknown[]): unknown {
      const call = open(this, args);
      if (call === undefined) return Reflect.apply(fn, this, args);
      return callRecorded(follow, call, fn, this, args);
    },
  };
  return wrapper;
}

function constructible(fn: AnyFunction, open: Open, follow: Follow): AnyFunction {
  return function wrapper(this: unknown, ...args: unknown[]): unknown {
    if (new.target !== undefined) {
      // A class that extends the wrapper is what is made; the wrapper itself only stands for the function.
      const made = new.target === wrapper ? fn : new.target;
      const call = open(undefined, args);
      const construct = (): unknown => Reflect.construct(fn, args, made);
      return call === undefined ? construct() : callRecorded(follow, call, construct, this, []);
    }
    const call = open(this, args);
    if (call === undefined) return Reflect.apply(fn, this, args);
    return callRecorded(follow, call, fn, this, args);
  };
}

function isConstructor(fn: AnyFunction): boolean {
  try {
    Reflect.construct(Object, [], fn);
    return true;
  } catch {
    return false;
  }
}
