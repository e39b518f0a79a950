import { runInScope } from '../capture/context.ts';
import { withStreamAborts } from './aborts.ts';
import type { OpenCall } from './call.ts';
import { cover } from './cover.ts';
import { Reading } from './reading.ts';

type Method = (...args: unknown[]) => unknown;

interface IteratorObject {
  next: Method;
  return?: Method;
  throw?: Method;
}

/** A generator, sync or async, or anything that behaves like one. */
export function isIteratorObject(value: object): value is IteratorObject {
  return (
    'next' in value &&
    typeof value.next === 'function' &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

/** One reading an iterator, however many calls have handed it out. */
const readings = new WeakMap<object, Reading>();

/**
 * Records a generator as it is read, and no faster. It stays the same object: its methods are covered by
 * own ones that call them in the scope of the call, so that what the generator's code logs is a step of it.
 */
export function followIterator(iterator: IteratorObject, call: OpenCall): void {
  const known = readings.get(iterator);
  if (known) {
    known.join(call);
    return;
  }
  const reading = new Reading(call);
  for (const name of ['next', 'return', 'throw'] as const) {
    const original = iterator[name];
    if (typeof original !== 'function') continue;
    const covered = (...args: unknown[]): unknown => reading.run(name, iterator, original, args);
    if (!cover(iterator, name, covered)) {
      call.end('complete', {});
      return;
    }
  }
  readings.set(iterator, reading);
}

/** The calls whose stream object nobody has begun to read. */
const unread = new WeakMap<object, OpenCall[]>();
/** Calls that wait for one stream object at most. */
const MAX_UNREAD = 1_000;

/** Records an async iterable that is no iterator itself, such as the stream object of an SDK. */
export function followIterable(iterable: object, call: OpenCall): void {
  const known = unread.get(iterable);
  if (known) {
    if (known.length < MAX_UNREAD) known.push(call);
    else call.end('complete', {});
    return;
  }
  const calls = [call];
  // openai's and anthropic's streams are read by `iterator()`, which `tee()` uses too.
  const covered = (['iterator', Symbol.asyncIterator] as const).map((name) => {
    const make = (iterable as { [name in string | symbol]?: unknown })[name];
    return typeof make === 'function' && cover(iterable, name, opening(make as Method, calls));
  });
  if (covered.includes(true)) unread.set(iterable, calls);
  else call.end('complete', {});
}

function opening(make: Method, calls: OpenCall[]): Method {
  return function opened(this: unknown, ...args: unknown[]): unknown {
    const open = (): unknown => Reflect.apply(make, this, args);
    const [first] = calls;
    const iterator = first ? runInScope(first.scope, open) : open();
    for (const call of calls.splice(0)) {
      try {
        followIterator(iterator as IteratorObject, withStreamAborts(call, this));
      } catch {
        call.end('complete', {});
      }
    }
    return iterator;
  };
}
