import { runInScope } from '../capture/context.ts';
import type { Outcome } from '../types.ts';
import type { OpenCall } from './call.ts';

/** Items kept of one stream; the ones beyond are counted. */
const MAX_ITEMS = 50_000;

interface IteratorObject {
  next: (...args: unknown[]) => unknown;
  return?: (...args: unknown[]) => unknown;
  throw?: (...args: unknown[]) => unknown;
}

/** A generator, sync or async, or anything that behaves like one. */
export function isIteratorObject(value: object): value is IteratorObject {
  return (
    'next' in value &&
    typeof value.next === 'function' &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

/**
 * Records a generator as it is read, and no faster. It stays the same object: its methods are covered by
 * own ones that call them in the scope of the call, so that what the generator's code logs is a step of it.
 */
export function followIterator<T extends IteratorObject>(iterator: T, call: OpenCall): T {
  const reading = new Reading(call);
  const outcomes = { next: 'complete', return: 'aborted', throw: 'aborted' } as const;
  for (const name of ['next', 'return', 'throw'] as const) {
    const original = iterator[name];
    if (typeof original !== 'function') continue;
    const covered = (...args: unknown[]): unknown =>
      reading.run(iterator, original, args, outcomes[name]);
    if (!cover(iterator, name, covered)) call.end('complete', {});
  }
  return iterator;
}

/** Records an async iterable that is no iterator itself, such as the stream object of an SDK. */
export function followIterable(iterable: object, call: OpenCall): object {
  const make = (iterable as AsyncIterable<unknown>)[Symbol.asyncIterator];
  const covered = function coveredAsyncIterator(this: AsyncIterable<unknown>): unknown {
    const iterator = runInScope(call.scope, () => make.call(this)) as AsyncIterator<unknown>;
    return followIterator(iterator as unknown as IteratorObject, call);
  };
  if (!cover(iterable, Symbol.asyncIterator, covered)) call.end('complete', {});
  return iterable;
}

/** Puts an own method before an inherited one; false where the object is frozen. */
export function cover(target: object, name: string | symbol, value: unknown): boolean {
  return Reflect.defineProperty(target, name, { value, configurable: true, writable: true });
}

/** One reading of a stream: its items so far, and its end. */
class Reading {
  readonly #call: OpenCall;
  readonly #items: unknown[] = [];

  constructor(call: OpenCall) {
    this.#call = call;
  }

  run(
    iterator: object,
    original: (...args: unknown[]) => unknown,
    args: unknown[],
    outcomeWhenDone: Outcome,
  ): unknown {
    let step: unknown;
    try {
      step = runInScope(this.#call.scope, () => original.apply(iterator, args));
    } catch (error) {
      this.#end('error', error);
      throw error;
    }
    if (!(step instanceof Promise)) {
      this.#see(step, outcomeWhenDone);
      return step;
    }
    return step.then(
      (result) => {
        this.#see(result, outcomeWhenDone);
        return result;
      },
      (error: unknown) => {
        this.#end('error', error);
        throw error;
      },
    );
  }

  #see(result: unknown, outcomeWhenDone: Outcome): void {
    if (typeof result !== 'object' || result === null) return;
    const { done, value } = result as IteratorResult<unknown>;
    if (done) {
      // A generator may say all that it has to say by its return value.
      if (this.#items.length === 0 && value !== undefined) this.#items.push(value);
      this.#end(outcomeWhenDone);
      return;
    }
    if (this.#items.length === 0) this.#call.firstItem();
    if (this.#items.length < MAX_ITEMS) this.#items.push(value);
  }

  #end(outcome: Outcome, error?: unknown): void {
    this.#call.end(outcome, { items: this.#items, ...(error === undefined ? {} : { error }) });
  }
}
