import { ReadableStream, type ReadableStreamReadResult } from 'node:stream/web';

type Read = () => Promise<ReadableStreamReadResult<unknown>>;
type Cancel = () => Promise<void>;

/** What is done in place of each read, and of leaving before the end. */
export interface Passage {
  read(read: Read): PromiseLike<ReadableStreamReadResult<unknown>>;
  cancel(cancel: Cancel): PromiseLike<void>;
}

export function isWebStream(value: unknown): value is ReadableStream {
  return value instanceof ReadableStream;
}

/**
 * A stream of the same chunks, read when it is read itself and not before. Pipes read a stream by its inner
 * slots, so that own methods on it would not see them.
 */
export function passing(stream: ReadableStream, { read, cancel }: Passage): ReadableStream {
  const reader = stream.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await read(() => reader.read());
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await cancel(() => reader.cancel(reason));
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Puts a stream in the place of the one that an object holds. Asked first, since making it locks the other one;
 * false where it cannot be done.
 */
export function replaceStream(
  owner: object,
  name: string,
  replacement: (stream: ReadableStream) => ReadableStream,
): boolean {
  const property = Object.getOwnPropertyDescriptor(owner, name);
  const stream: unknown = property?.value;
  if (property?.writable !== true || !isWebStream(stream) || stream.locked) return false;
  return Reflect.defineProperty(owner, name, { value: replacement(stream) });
}
