import { runInScope } from '../../capture/context.ts';
import { isThenable } from '../../internal/hooks.ts';
import type { OpenCall } from '../call.ts';
import { withStreamAborts } from './aborts.ts';
import { cover } from './cover.ts';
import { derivePlain, isPlainPromise } from './derive.ts';
import { Left } from './left.ts';
import { Reading } from './reading.ts';
import { seeThenable } from './thenables.ts';

type Method = (...args: unknown[]) => unknown;

export interface IteratorObject {
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
  const reading = new Reading(call, iterator);
  if (coverIterator(iterator, reading)) readings.set(iterator, reading);
  else reading.finish('complete', { items: undefined });
}

/** How much of what an iterator does is noted. */
export interface IteratorView {
  /** False: its items and its end are seen elsewhere. */
  counts?(): boolean;
  /** Leaving it ends nothing: what it reads goes on to be read by others. */
  isLoan?: boolean;
}

/** False where it cannot be covered. */
export function coverIterator(
  iterator: IteratorObject,
  reading: Reading,
  { counts = () => true, isLoan = false }: IteratorView = {},
): boolean {
  /** A loan that was given back: it is done, and its stream is not. */
  let isBack = false;
  /** How often its code is on the stack. */
  let running = 0;
  for (const name of ['next', 'return', 'throw'] as const) {
    const original = iterator[name];
    if (typeof original !== 'function') continue;
    const covered = function (this: unknown, ...args: unknown[]): unknown {
      const step = (): unknown => {
        running += 1;
        try {
          return Reflect.apply(original, this, args);
        } finally {
          running -= 1;
        }
      };
      if (reading.isOver || isBack) return step();
      if (name !== 'next' && isLoan) isBack = true;
      // A generator that asks itself for more is refused, and has not failed by that.
      const view = { counts: () => counts() && !isBack, isRefusal: running > 0 };
      return take(reading, name, step, args[0], view);
    };
    if (!cover(iterator, name, covered)) return false;
  }
  return true;
}

/** Calls one of an iterator's methods as its reader did, and notes what comes of it. */
function take(
  reading: Reading,
  name: 'next' | 'return' | 'throw',
  step: () => unknown,
  sent: unknown,
  { counts, isRefusal }: { counts: () => boolean; isRefusal: boolean },
): unknown {
  const failed = (error: unknown): void => {
    // What the reader threw in, and the generator did not take, is the reader's leaving.
    const isOwn = name === 'throw' && error === sent;
    if (counts()) reading.finish(isOwn ? 'aborted' : 'error', { error });
  };
  const seen = (result: unknown): void => {
    if (counts()) see(reading, name, result);
  };
  let result: unknown;
  try {
    result = reading.inScope(step);
  } catch (error) {
    if (!isRefusal) failed(error);
    throw error;
  }
  try {
    if (isPlainPromise(result)) return derivePlain(result, seen, failed);
    if (isThenable(result)) seeThenable(result, seen, failed, (work) => reading.inScope(work));
    else seen(result);
  } catch {
    // An answer whose traps throw is its reader's to meet.
  }
  return result;
}

function see(reading: Reading, name: 'next' | 'return' | 'throw', result: unknown): void {
  if (reading.isOver) return;
  try {
    const { done, value } = result as IteratorResult<unknown>;
    if (!done) {
      reading.note(value);
      return;
    }
    // A generator may say all that it has to say by its return value.
    const isAnswer = name === 'next' && value !== undefined && reading.items.length === 0;
    if (isAnswer) reading.finish('complete', { items: [value] });
    else reading.finish(name === 'next' ? 'complete' : 'aborted');
  } catch {
    // A result that is none, or whose getters throw, is for its reader to meet.
  }
}

interface Unread {
  calls: OpenCall[];
  left: Left;
}

/** The calls whose stream object nobody has begun to read. */
const unread = new WeakMap<object, Unread>();
/** Calls that wait for one stream object at most. */
const MAX_UNREAD = 1_000;

/** Records an async iterable that is no iterator itself, such as the stream object of an SDK. */
export function followIterable(iterable: object, call: OpenCall): void {
  const known = unread.get(iterable);
  if (known) {
    if (known.calls.length < MAX_UNREAD) wait(iterable, known, call);
    else call.end('complete', {});
    return;
  }
  const waiting: Unread = { calls: [], left: new Left() };
  // openai's and anthropic's streams are read by `iterator()`, which `tee()` uses too.
  const covered = (['iterator', Symbol.asyncIterator] as const).map((name) => {
    const make = (iterable as { [name in string | symbol]?: unknown })[name];
    return typeof make === 'function' && cover(iterable, name, opening(make as Method, waiting));
  });
  if (covered.includes(true)) {
    unread.set(iterable, waiting);
    wait(iterable, waiting, call);
  } else call.end('complete', {});
}

function wait(iterable: object, { calls, left }: Unread, call: OpenCall): void {
  if (calls.length === 0) left.watch(iterable);
  calls.push(call);
  left.add(call);
}

function opening(make: Method, { calls, left }: Unread): Method {
  return function opened(this: unknown, ...args: unknown[]): unknown {
    const open = (): unknown => Reflect.apply(make, this, args);
    const [first] = calls;
    const iterator = first ? runInScope(first.scope, open) : open();
    left.letGo();
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
