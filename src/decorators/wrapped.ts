import type { Recorder } from '../capture/recorder.ts';
import { sharedSymbol } from '../internal/brand.ts';
import type { AnyFunction, CallOptions } from './call-options.ts';

/** What a function records, and for whom. */
export interface Wrapped {
  /** What is called in the end; never a wrapper of ours. */
  readonly fn: AnyFunction;
  readonly options: CallOptions;
  readonly recorder: Recorder | undefined;
  readonly classNameOf?: ((self: unknown) => string | undefined) | undefined;
}

const KEY = sharedSymbol('wrapped');

/**
 * Our wrappers, by function and not by a property of it: what other decorators copy from a wrapper does not
 * make a wrapper of theirs one of ours. One list for both copies of the package.
 */
function wrappers(): WeakMap<object, Wrapped> {
  const registry = globalThis as { [key: symbol]: unknown };
  registry[KEY] ??= new WeakMap<object, Wrapped>();
  return registry[KEY] as WeakMap<object, Wrapped>;
}

export function wrappedIn(fn: unknown): Wrapped | undefined {
  return typeof fn === 'function' ? wrappers().get(fn) : undefined;
}

export function rememberWrapper(wrapper: AnyFunction, wrapped: Wrapped): void {
  wrappers().set(wrapper, wrapped);
}

/** What a wrapper around `wrapped.fn` has to do: a wrapper of ours in it gives way, and lends its options. */
export function merged(wrapped: Wrapped): Wrapped {
  const inner = wrappedIn(wrapped.fn);
  if (inner === undefined) return wrapped;
  const options: CallOptions = { ...inner.options };
  for (const [name, value] of Object.entries(wrapped.options)) {
    if (value !== undefined) Object.assign(options, { [name]: value });
  }
  return {
    fn: inner.fn,
    options,
    recorder: wrapped.recorder ?? inner.recorder,
    classNameOf: wrapped.classNameOf ?? inner.classNameOf,
  };
}
