import type { Recorder } from '../capture/recorder.ts';
import { PhosphoArgumentError } from '../errors.ts';
import { type CallSite, type OpenCall, openCall } from './call.ts';
import { type AnyFunction, type CallOptions, checkCallOptions } from './call-options.ts';
import { dressAs } from './metadata.ts';
import { isSdkCall, withSdkInput } from './observe/sdk-input.ts';
import { follow } from './results/follow.ts';
import { standIn } from './stand-in.ts';
import { merged, rememberWrapper } from './wrapped.ts';

/**
 * Records the calls of any function: a task, or a step of the task that is open. `this`, arguments, the
 * kind of result (value, promise, generator, stream), errors and types stay as they are; the function
 * runs exactly once a call. A function that is wrapped already is recorded once, with the options of both; the
 * outer ones win. Uses the running task's Phospho, else the first one constructed; without one,
 * it only calls.
 *
 * @throws PhosphoArgumentError if it is given no function.
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
  classNameOf?: (self: unknown) => string | undefined,
): F {
  if (typeof fn !== 'function') {
    throw new PhosphoArgumentError(
      `wrap() takes a function, got ${fn === null ? 'null' : typeof fn}`,
    );
  }
  checkCallOptions(options);
  const wrapped = merged({ fn, options: options as CallOptions, recorder, classNameOf });
  const site: CallSite = {
    recorder: wrapped.recorder,
    options: wrapped.options,
    nameFor: (self) => wrapped.options.name ?? nameOf(wrapped.fn, wrapped.classNameOf?.(self)),
  };
  const sdkSite: CallSite = { ...site, options: withSdkInput(wrapped.options) };
  const open = (self: unknown, args: unknown[]): OpenCall | undefined =>
    openCall(isSdkCall(wrapped.fn, args) ? sdkSite : site, self, args);
  const wrapper = standIn(wrapped.fn, open, follow);
  // Of the given function: whoever decorated it in between has left something on it.
  dressAs(wrapper, fn);
  rememberWrapper(wrapper, wrapped);
  return wrapper as F;
}

function nameOf(fn: AnyFunction, className: string | undefined): string {
  const name = fn.name || 'anonymous';
  return className ? `${className}.${name}` : name;
}
