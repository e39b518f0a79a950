import { currentScope, keepScope, type Scope } from '../../capture/context.ts';
import type { BytesAbout } from '../../capture/passed-bytes.ts';
import { isError } from '../../internal/is-error.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { Reading } from './reading.ts';

type Method = (...args: unknown[]) => unknown;

/** What of a stream of Node's, or of its older kind, is looked at. */
export interface NodeStream {
  emit: Method;
  on: Method;
  pipe: Method;
  _read?: Method;
  readonly readableObjectMode?: boolean;
  readonly readableEnded?: boolean;
  readonly closed?: boolean;
}

/** One that can be read: a Writable has a `pipe` too, and a response of Express is one. */
export function isNodeStream(value: object): value is NodeStream {
  const stream = value as { [name: string]: unknown };
  // Some proxies have a function under any name.
  if (!('emit' in stream)) return false;
  const isEmitter = typeof stream.on === 'function' && typeof stream.emit === 'function';
  if (!isEmitter || typeof stream.pipe !== 'function') return false;
  return typeof stream.read === 'function' || stream.readable === true;
}

const readings = new WeakMap<object, Reading>();

/**
 * Records a stream of Node's by what it emits. No listener is added: one for 'data' would start the flow, one for
 * 'error' would hide what nobody handles.
 */
export function followNodeStream(
  stream: NodeStream,
  call: OpenCall,
  about?: BytesAbout,
): Reading | undefined {
  const known = readings.get(stream);
  if (known) {
    known.join(call);
    return known;
  }
  if (stream.readableEnded || stream.closed || !Object.isExtensible(stream)) {
    call.end('complete', { output: '[stream]' });
    return undefined;
  }
  const reading = new Reading(call, stream, about);
  const { emit, _read: read } = stream;
  const listenersScope = scopeOfListeners(call.scope);
  cover(stream, 'emit', function (this: unknown, ...args: unknown[]): unknown {
    if (this === stream && !reading.isOver) see(reading, stream, args);
    return listenersScope(() => Reflect.apply(emit, this, args));
  });
  if (typeof read === 'function') {
    cover(stream, '_read', function (this: unknown, ...args: unknown[]): unknown {
      return reading.inScope(() => Reflect.apply(read, this, args));
    });
  }
  readings.set(stream, reading);
  return reading;
}

function see(reading: Reading, stream: NodeStream, [event, value]: unknown[]): void {
  if (event === 'data') {
    // Text that is no object was cut anywhere.
    if (typeof value === 'string' && !stream.readableObjectMode) reading.noteText(value);
    else reading.note(value);
  } else if (event === 'end') reading.finish('complete');
  // With an AbortError Node destroys what its reader leaves.
  else if (event === 'error' && isAbort(value)) reading.finish('aborted');
  else if (event === 'error') reading.finish('error', { error: value });
  else if (event === 'close') reading.finish('aborted');
}

function isAbort(error: unknown): boolean {
  return isError(error) && error.name === 'AbortError';
}

/**
 * Source code in the call's scope emits to listeners that are the reader's: they run in the scope that the stream was
 * handed to, as they would if there were no recording.
 */
export function scopeOfListeners(inner: Scope): (emit: () => unknown) => unknown {
  const outer = currentScope();
  const runOutside = keepScope();
  const isStep = outer?.task === inner.task;
  return (emit) => {
    const current = currentScope();
    const isInside = isStep ? current === inner : current?.task === inner.task;
    return isInside ? runOutside(emit) : emit();
  };
}
