import type { Recorder } from '../capture/recorder.ts';
import { callRecorded, openCall } from './call.ts';
import { follow } from './follow.ts';
import { dressAs } from './metadata.ts';
import type { AnyFunction, CallOptions } from './options.ts';

/**
 * Records the calls of any function: a task, or a step of the task that is open. `this`, arguments, the
 * kind of result (value, promise, generator, stream), errors and types stay as they are; the function
 * runs exactly once a call. Uses the running task's Phospho, else the first one constructed; without one,
 * it only calls.
 *
 * @example
 * ```ts
 * import { wrap } from 'phospho-express';
 *
 * const summarise = wrap(async (text: string) => `${text.slice(0, 20)}…`, { name: 'summarise' });
 * console.log(await summarise('A long text about nothing in particular.'));
 * ```
 */
export function wrap<F extends AnyFunction>(fn: F, options: CallOptions<F> = {}): F {
  return wrapWith(undefined, fn, options);
}

/** `wrap` with a recorder of one's own, or with whichever is there when the function is called. */
export function wrapWith<F extends AnyFunction>(
  recorder: Recorder | undefined,
  fn: F,
  options: CallOptions<F>,
  className?: (self: unknown) => string | undefined,
): F {
  const wrapper = function (this: unknown, ...args: unknown[]): unknown {
    const call = openCall(recorder, nameOf(fn, options, className?.(this)), options, args);
    return callRecorded(follow, call, fn, this, args);
  };
  dressAs(wrapper, fn);
  return wrapper as F;
}

function nameOf(fn: AnyFunction, options: CallOptions, className: string | undefined): string {
  if (options.name !== undefined) return options.name;
  const name = fn.name || 'anonymous';
  return className ? `${className}.${name}` : name;
}
