import { runInScope } from '../capture/context.ts';
import { isThenable } from '../internal/hooks.ts';
import type { Outcome } from '../types.ts';
import type { OpenCall } from './call.ts';

/** Items kept of one stream. */
const MAX_ITEMS = 50_000;
/** Calls that wait for the end of one stream at most. */
const MAX_CALLS = 1_000;

/** One reading of a generator or stream: its items so far, and its end. */
export class Reading {
  readonly #scope: OpenCall['scope'];
  readonly #items: unknown[] = [];
  #calls: OpenCall[];
  #end: { outcome: Outcome; error?: unknown } | undefined;

  constructor(call: OpenCall) {
    this.#scope = call.scope;
    this.#calls = [call];
  }

  /** One more call has handed out the same iterator. */
  join(call: OpenCall): void {
    if (this.#end !== undefined) this.#report(call, this.#end);
    else if (this.#calls.length < MAX_CALLS) this.#calls.push(call);
    else call.end('complete', {});
  }

  /** Calls one of the iterator's methods as its reader did, and notes what comes of it. */
  run(
    name: 'next' | 'return' | 'throw',
    iterator: object,
    method: (...args: unknown[]) => unknown,
    args: unknown[],
  ): unknown {
    const call = (): unknown => Reflect.apply(method, iterator, args);
    if (this.#end !== undefined) return call();
    const failed = (error: unknown): never => {
      // What the reader threw in, and the generator did not take, is the reader's leaving.
      const isOwn = name === 'throw' && error === args[0];
      this.#finish({ outcome: isOwn ? 'aborted' : 'error', error });
      throw error;
    };
    let step: unknown;
    try {
      step = runInScope(this.#scope, call);
    } catch (error) {
      return failed(error);
    }
    const seen = (result: unknown): unknown => {
      this.#see(name, result);
      return result;
    };
    return isPromise(step) ? Promise.resolve(step).then(seen, failed) : seen(step);
  }

  #see(name: 'next' | 'return' | 'throw', result: unknown): void {
    if (this.#end !== undefined) return;
    try {
      const { done, value } = result as IteratorResult<unknown>;
      if (done) this.#seeEnd(name, value);
      else this.#add(value);
    } catch {
      // A result that is none, or whose getters throw, is for its reader to meet.
    }
  }

  #seeEnd(name: 'next' | 'return' | 'throw', value: unknown): void {
    // A generator may say all that it has to say by its return value.
    const isAnswer = name === 'next' && this.#items.length === 0 && value !== undefined;
    if (isAnswer) this.#items.push(value);
    this.#finish({ outcome: name === 'next' ? 'complete' : 'aborted' });
  }

  #add(item: unknown): void {
    if (this.#items.length === 0) for (const call of this.#calls) call.firstItem();
    if (this.#items.length < MAX_ITEMS) this.#items.push(item);
  }

  #finish(end: { outcome: Outcome; error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    for (const call of this.#calls) this.#report(call, end);
    this.#calls = [];
  }

  #report(call: OpenCall, end: { outcome: Outcome; error?: unknown }): void {
    call.end(end.outcome, {
      items: this.#items,
      ...('error' in end ? { error: end.error } : {}),
    });
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  try {
    return isThenable(value);
  } catch {
    return false;
  }
}
