import { keepScope, runInScope } from '../../capture/context.ts';
import type { Outcome } from '../../types.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';

type Method = (...args: unknown[]) => unknown;

interface Subscribable {
  lift: (operator: Operator) => { subscribe: Method };
  subscribe: Method;
}

interface Operator {
  call(subscriber: Subscriber, source: unknown): unknown;
}

interface Subscriber {
  next: Method;
  error: Method;
  complete: Method;
  add(teardown: () => void): unknown;
}

/** rxjs' own test of what an Observable is, whichever copy of it made this one. */
export function isObservable(value: object): value is Subscribable {
  return (
    'lift' in value &&
    typeof value.lift === 'function' &&
    'subscribe' in value &&
    typeof value.subscribe === 'function'
  );
}

/** The calls whose Observable nobody has subscribed to since. */
const waiting = new WeakMap<object, OpenCall[]>();
/** Calls that wait for one Observable at most. */
const MAX_WAITING = 1_000;
/** Values kept of one subscription. */
const MAX_VALUES = 50_000;

/**
 * Records what the first subscription after the call is told; we never subscribe, since that is what runs a
 * cold Observable. It stays the same object: its `subscribe` is covered by an own one.
 */
export function followObservable(observable: Subscribable, call: OpenCall): void {
  const known = waiting.get(observable);
  if (known) {
    if (known.length < MAX_WAITING) known.push(call);
    else call.end('complete', {});
    return;
  }
  const calls = [call];
  if (cover(observable, 'subscribe', watched(observable.subscribe, calls))) {
    waiting.set(observable, calls);
  } else {
    call.end('complete', {});
  }
}

function watched(subscribe: Method, calls: OpenCall[]): Method {
  return function observed(this: Subscribable, ...args: unknown[]): unknown {
    const [first] = calls;
    if (first === undefined) return Reflect.apply(subscribe, this, args);
    const watch = new Watch(calls.splice(0));
    // Whatever it is given, the app's own rxjs makes the Subscriber, and the operator is handed that one: a
    // source that emits at once has to see it closed when its reader has had enough.
    const lifted = this.lift({
      call: (subscriber, source) => {
        watch.begin(subscriber);
        return runInScope(first.scope, () => Reflect.apply(subscribe, source, [subscriber]));
      },
    });
    return lifted.subscribe(...args);
  };
}

/** One subscription: its values so far, and its end. */
class Watch {
  readonly #calls: OpenCall[];
  /** What the subscriber does with a value is not part of the call. */
  readonly #runOutside: ReturnType<typeof keepScope> = keepScope();
  readonly #values: unknown[] = [];
  #isTelling = false;
  #isOver = false;

  constructor(calls: OpenCall[]) {
    this.#calls = calls;
  }

  begin(subscriber: Subscriber): void {
    this.#before(subscriber, 'next', (value) => this.#add(value));
    this.#before(subscriber, 'error', (error) => this.#end('error', { error }));
    this.#before(subscriber, 'complete', () => this.#end('complete'));
    // Who leaves while it is told a value has what it wanted, as `firstValueFrom` and `take` do.
    subscriber.add(() => this.#end(this.#isTelling ? 'complete' : 'aborted'));
  }

  #before(subscriber: Subscriber, name: 'next' | 'error' | 'complete', note: Method): void {
    const original = subscriber[name];
    cover(subscriber, name, (...args: unknown[]): unknown => {
      if (this.#isOver) return Reflect.apply(original, subscriber, args);
      note(...args);
      const wasTelling = this.#isTelling;
      this.#isTelling = true;
      try {
        return this.#runOutside(() => Reflect.apply(original, subscriber, args));
      } finally {
        this.#isTelling = wasTelling;
      }
    });
  }

  #add(value: unknown): void {
    if (this.#values.length === 0) for (const call of this.#calls) call.firstItem();
    if (this.#values.length < MAX_VALUES) this.#values.push(value);
  }

  #end(outcome: Outcome, failure: { error?: unknown } = {}): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // One value is an answer, as a promise's is; several are a stream's items.
    const [value] = this.#values;
    const result = this.#values.length === 1 ? { output: value } : { items: this.#values };
    for (const call of this.#calls) call.end(outcome, { ...result, ...failure });
  }
}
