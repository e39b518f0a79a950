import type { ReadableStreamReadResult, StreamPipeOptions } from 'node:stream/web';
import type { BytesAbout } from '../../capture/passed-bytes.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { derive } from './derive.ts';
import { coverIterator, type IteratorObject } from './iterators.ts';
import { PassThrough } from './pass-through.ts';
import { Reading } from './reading.ts';

type Method = (...args: unknown[]) => unknown;
type Methods = { readonly [name in string | symbol]?: Method };

const native = ReadableStream.prototype as unknown as Methods;

/** One reading a stream, however many calls have handed it out. */
const readings = new WeakMap<object, Reading>();

export function isWebStream(value: object): value is ReadableStream<unknown> {
  return 'getReader' in value && typeof value.getReader === 'function';
}

/**
 * Records a ReadableStream as it is read, and no faster. It stays the same object: own methods cover those by which it
 * can be read. What is read by other ways (`structuredClone`, a reader made by `new`) is not seen.
 */
export function followWebStream(
  stream: ReadableStream<unknown>,
  call: OpenCall,
  about?: BytesAbout,
): Reading | undefined {
  const known = readings.get(stream);
  if (known) {
    known.join(call);
    return known;
  }
  if (stream.locked || !Object.isExtensible(stream)) {
    call.end('complete', { output: '[stream]' });
    return undefined;
  }
  const reading = new Reading(call, stream, about);
  new Covers(stream, reading).put();
  readings.set(stream, reading);
  return reading;
}

/** The methods that cover one stream's. */
class Covers {
  readonly #stream: ReadableStream<unknown>;
  readonly #own: Methods;
  readonly #reading: Reading;
  /** Readers handed out: an iterator of the stream's own kind may have taken one, which sees it all. */
  #taken = 0;

  constructor(stream: ReadableStream<unknown>, reading: Reading) {
    this.#stream = stream;
    this.#own = stream as unknown as Methods;
    this.#reading = reading;
  }

  put(): void {
    this.#cover('getReader', (getReader, args) => this.#getReader(getReader, args));
    this.#cover('cancel', (cancel, args) => this.#cancel(cancel, args));
    const { values, [Symbol.asyncIterator]: iterate } = this.#own;
    this.#cover('values', (make, args) => this.#iterate(make, args));
    if (iterate === values) cover(this.#stream, Symbol.asyncIterator, this.#own.values);
    else this.#cover(Symbol.asyncIterator, (make, args) => this.#iterate(make, args));
    // They read without any of the above. Methods of the app's own come down to what is covered.
    if (this.#isNative('pipeTo')) this.#cover('pipeTo', (pipe, args) => this.#pipeTo(pipe, args));
    if (this.#isNative('pipeThrough')) {
      this.#cover('pipeThrough', (pipe, args) => this.#pipeThrough(pipe, args));
    }
    if (this.#isNative('tee')) this.#cover('tee', (tee, args) => this.#tee(tee, args));
  }

  #isNative(name: string): boolean {
    return this.#own[name] === native[name];
  }

  #cover(name: string | symbol, replace: (original: Method, args: unknown[]) => unknown): void {
    const original = this.#own[name];
    if (typeof original !== 'function') return;
    const reading = this.#reading;
    const stream = this.#stream;
    cover(stream, name, function (this: unknown, ...args: unknown[]): unknown {
      if (this !== stream || reading.isOver) return Reflect.apply(original, this, args);
      return replace(original, args);
    });
  }

  #getReader(getReader: Method, args: unknown[]): unknown {
    const reader = Reflect.apply(getReader, this.#stream, args);
    this.#taken += 1;
    coverReader(reader as Reader, this.#reading);
    return reader;
  }

  #cancel(cancel: Method, args: unknown[]): unknown {
    // A reader has it: this call is refused.
    if (this.#stream.locked) return Reflect.apply(cancel, this.#stream, args);
    const done = this.#reading.inScope(() => Reflect.apply(cancel, this.#stream, args));
    this.#reading.finish('aborted');
    return done;
  }

  #iterate(make: Method, args: unknown[]): unknown {
    const [options, ...more] = args;
    let isLoan = false;
    let given = args;
    if (typeof options === 'object' && options !== null && 'preventCancel' in options) {
      // Read once, as the stream would.
      isLoan = Boolean(options.preventCancel);
      given = [{ preventCancel: isLoan }, ...more];
    }
    const before = this.#taken;
    const iterator = Reflect.apply(make, this.#stream, given) as IteratorObject;
    coverIterator(iterator, this.#reading, { counts: () => this.#taken === before, isLoan });
    return iterator;
  }

  #pipeTo(pipeTo: Method, args: unknown[]): unknown {
    if (this.#stream.locked) return Reflect.apply(pipeTo, this.#stream, args);
    const through = this.#passThrough();
    const piped = Reflect.apply(pipeTo, through.readable, args);
    // Where it was refused nothing is read, and nothing locked.
    if (through.readable.locked) through.lock();
    const release = (): void => through.release();
    return derive(piped, release, release);
  }

  #pipeThrough(pipeThrough: Method, args: unknown[]): unknown {
    const pair = args[0] as { readable?: unknown; writable?: unknown } | undefined;
    const { readable, writable } = pair ?? {};
    const isPair = readable instanceof ReadableStream && writable instanceof WritableStream;
    const options = pipeOptions(args[1]);
    if (this.#stream.locked || !isPair || writable.locked || options === undefined) {
      return Reflect.apply(pipeThrough, this.#stream, args);
    }
    const piped = this.#pipeTo(native.pipeTo as Method, [writable, options]) as Promise<void>;
    // As `pipeThrough` does: whoever reads the other end meets the error.
    piped.catch(() => {});
    return readable;
  }

  #tee(tee: Method, args: unknown[]): unknown {
    if (this.#stream.locked) return Reflect.apply(tee, this.#stream, args);
    const through = this.#passThrough();
    const branches = Reflect.apply(tee, through.readable, args);
    through.lock();
    return branches;
  }

  #passThrough(): PassThrough {
    return new PassThrough(this.#stream, native.getReader as Method, this.#reading);
  }
}

/** Undefined: they would be refused. */
function pipeOptions(options: unknown): StreamPipeOptions | undefined {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null) return undefined;
  const { preventAbort, preventCancel, preventClose, signal } = options as StreamPipeOptions;
  if (signal !== undefined && !(signal instanceof AbortSignal)) return undefined;
  const flags = { preventAbort, preventCancel, preventClose } as StreamPipeOptions;
  return signal === undefined ? flags : { ...flags, signal };
}

interface Reader {
  read: Method;
  cancel: Method;
  releaseLock: Method;
  readonly closed: Promise<void>;
}

/** What is read by it is noted. Its release ends nothing: another reader may go on. */
function coverReader(reader: Reader, reading: Reading): void {
  const { read, cancel, releaseLock } = reader;
  let isReleased = false;
  cover(reader, 'read', function (this: unknown, ...args: unknown[]): unknown {
    const go = (): unknown => Reflect.apply(read, this, args);
    if (isReleased || reading.isOver) return go();
    return derive(
      reading.inScope(go),
      (step) => {
        const { done, value } = step as ReadableStreamReadResult<unknown>;
        if (done) reading.finish('complete');
        else reading.note(value);
      },
      (error) => {
        // A read that is refused, or whose reader was released, is not the stream's failure.
        void reader.closed.then(undefined, (reason: unknown) => {
          if (reason === error) reading.finish('error', { error });
        });
      },
    );
  });
  cover(reader, 'cancel', function (this: unknown, ...args: unknown[]): unknown {
    const go = (): unknown => Reflect.apply(cancel, this, args);
    if (isReleased || reading.isOver) return go();
    const done = reading.inScope(go);
    reading.finish('aborted');
    return done;
  });
  cover(reader, 'releaseLock', function (this: unknown, ...args: unknown[]): unknown {
    isReleased = true;
    return Reflect.apply(releaseLock, this, args);
  });
}
