import type { ReadableStreamReadResult, UnderlyingSource } from 'node:stream/web';
import type { Reading } from './reading.ts';

type AnyReader = ReadableStreamDefaultReader<unknown> | ReadableStreamBYOBReader;
type Controller = ReadableStreamDefaultController<unknown> | ReadableByteStreamController;
type ReadResult = ReadableStreamReadResult<unknown>;
type GetReader = (...args: unknown[]) => unknown;

/**
 * A stream in place of another one, for what reads by the platform's own ways (`pipeTo`, `tee`): each of its pulls is
 * one read of the source, and its end, error and cancellation are the source's. It holds nothing itself.
 */
export class PassThrough {
  readonly readable: ReadableStream<unknown>;
  readonly #source: ReadableStream<unknown>;
  readonly #getReader: GetReader;
  readonly #reading: Reading;
  readonly #isBytes: boolean;
  #controller: Controller | undefined;
  #reader: AnyReader | undefined;
  #mode: 'byob' | undefined;
  #isPulling = false;
  #isOver = false;

  constructor(source: ReadableStream<unknown>, getReader: GetReader, reading: Reading) {
    this.#source = source;
    this.#getReader = getReader;
    this.#reading = reading;
    this.#isBytes = this.#takesBuffers();
    const kind = this.#isBytes ? { type: 'bytes' as const } : {};
    const about = {
      ...kind,
      start: (controller: Controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: (reason: unknown) => this.#cancel(reason),
    };
    this.readable = new ReadableStream(about as UnderlyingSource, { highWaterMark: 0 });
  }

  /** From now on the source has a reader. */
  lock(): void {
    if (!this.#isOver) this.#take(undefined);
  }

  /** The source may be read by others; what was asked of it and has not come stays in it. */
  release(): void {
    this.#isOver = true;
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.releaseLock();
  }

  #takesBuffers(): boolean {
    try {
      const reader = this.#open('byob');
      reader.releaseLock();
      return true;
    } catch {
      return false;
    }
  }

  #open(mode: 'byob' | undefined): AnyReader {
    const args = mode ? [{ mode }] : [];
    return Reflect.apply(this.#getReader, this.#source, args) as AnyReader;
  }

  /** A reader takes its own buffers or the source's: the one that is needed. */
  #take(mode: 'byob' | undefined): AnyReader {
    if (this.#reader && this.#mode === mode) return this.#reader;
    const before = this.#reader;
    this.#reader = undefined;
    before?.releaseLock();
    const reader = this.#open(mode);
    this.#reader = reader;
    this.#mode = mode;
    // An end or error is passed on at once, also while nobody reads.
    reader.closed.then(
      () => {
        // Where a pull is under way, what the source gave last may be on its way.
        if (this.#reader === reader && !this.#isPulling) this.#close();
      },
      (error: unknown) => {
        if (this.#reader === reader) this.#fail(error);
      },
    );
    return reader;
  }

  #pull(): Promise<void> {
    const request = (this.#controller as ReadableByteStreamController).byobRequest ?? undefined;
    this.#isPulling = true;
    const step = this.#read(request);
    return step.then(
      ({ done, value }) => this.#pulled(done, value, request),
      (error: unknown) => {
        this.#isPulling = false;
        this.#fail(error);
      },
    );
  }

  #read(request: ReadableStreamBYOBRequest | undefined): Promise<ReadResult> {
    const view = request?.view;
    return this.#reading.inScope(() => {
      if (!view) return (this.#take(undefined) as ReadableStreamDefaultReader<unknown>).read();
      const reader = this.#take('byob') as ReadableStreamBYOBReader;
      return reader.read(view) as Promise<ReadResult>;
    });
  }

  #pulled(done: boolean, value: unknown, request: ReadableStreamBYOBRequest | undefined): void {
    this.#isPulling = false;
    if (this.#isOver) return;
    if (done) {
      this.#close();
      // The buffer that was lent goes back.
      if (request && value) request.respondWithNewView(value as Uint8Array<ArrayBuffer>);
      return;
    }
    // Before its buffer is handed on.
    this.#reading.note(value);
    if (request) request.respondWithNewView(value as Uint8Array<ArrayBuffer>);
    else (this.#controller as ReadableStreamDefaultController<unknown>).enqueue(value);
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reading.finish('complete');
    try {
      this.#controller?.close();
    } catch {
      // A reader waits for the rest of a number: the stream has failed with that, as it says itself.
    }
  }

  #fail(error: unknown): void {
    // A read of a reader that was released fails: the source goes on without us.
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reading.finish('error', { error });
    this.#controller?.error(error);
  }

  #cancel(reason: unknown): Promise<void> {
    this.#isOver = true;
    const done = this.#reading.inScope(() =>
      (this.#reader ?? this.#take(undefined)).cancel(reason),
    );
    this.#reading.finish('aborted');
    return done;
  }
}
