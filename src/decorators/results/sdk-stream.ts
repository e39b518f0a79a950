import type { ReadableStream } from 'node:stream/web';
import { runInScope } from '../../capture/context.ts';
import type { OpenCall } from '../call.ts';
import { cover } from './cover.ts';
import { isWebStream, passing, replaceStream } from './passing.ts';
import { Reading } from './reading.ts';

/**
 * What `streamText` and `streamObject` of the Vercel AI SDK (versions 4 to 7) return. All that a reader may take of
 * it, streams and promises, is fed by this one stream; to touch any of them would start it.
 */
interface SdkStream {
  baseStream: ReadableStream;
  /** Called for each new reader of `streamText`'s: a branch for it, and another for the ones to come. */
  teeStream?: () => unknown;
}

/** Others may call a stream of theirs so, and read it elsewhere. */
export function isSdkStream(value: object): value is SdkStream {
  if (!isWebStream(Object.getOwnPropertyDescriptor(value, 'baseStream')?.value)) return false;
  return 'textStream' in value;
}

/** One reading a result, however many calls have handed it out. */
const readings = new WeakMap<object, Reading>();

/** Records what passes through the result as it is read; its arguments and callbacks stay the app's. */
export function followSdkStream(result: SdkStream, outer: OpenCall): void {
  const call = withEnding(outer);
  const known = readings.get(result);
  if (known) {
    known.join(call);
    return;
  }
  let reading: Reading | undefined;
  const isReplaced = replaceStream(result, 'baseStream', (stream) =>
    read(stream, call, (begun) => {
      reading = begun;
    }),
  );
  if (!isReplaced || reading === undefined) {
    call.end('complete', {});
    return;
  }
  readings.set(result, reading);
  watchReaders(result, reading);
}

/** The same stream, whose chunks are the items of a reading. */
export function read(
  stream: ReadableStream,
  call: OpenCall,
  onBegun: (reading: Reading) => void = () => {},
): ReadableStream {
  const passed = passing(stream, {
    read: (readNext) =>
      runInScope(call.scope, readNext).then(
        (given) => {
          if (!given.done) reading.note(partOf(given.value));
          // The promises of a result are kept before its stream has closed, and an app may end with them.
          if (given.done || isLast(given.value)) reading.finish('complete');
          return given;
        },
        (error: unknown) => {
          reading.finish('error', { error });
          throw error;
        },
      ),
    cancel: (cancel) => {
      reading.finish('aborted');
      return cancel();
    },
  });
  // Its readers hold it, whatever else of the result is garbage.
  const reading = new Reading(call, passed);
  onBegun(reading);
  return passed;
}

/** When the last reader has left, nobody asks for the rest: the branch that is kept for others is not read. */
function watchReaders(result: SdkStream, reading: Reading): void {
  const { teeStream } = result;
  if (typeof teeStream !== 'function') return;
  let readers = 0;
  cover(result, 'teeStream', function teeWatched(this: unknown): unknown {
    const branch = Reflect.apply(teeStream, this, []);
    if (!isWebStream(branch)) return branch;
    readers += 1;
    return passing(branch, {
      read: (readNext) => readNext(),
      cancel: async (cancel) => {
        readers -= 1;
        if (readers === 0) reading.finish('aborted');
        await cancel();
      },
    });
  });
}

/** Each partial object is the whole one so far: none is kept. */
function partOf(chunk: unknown): unknown {
  const part = outOfEnvelope(chunk);
  return typeOf(part) === 'object' ? { type: 'object' } : part;
}

/** `streamText` has its parts in one. A chunk whose getters throw is its reader's to meet, and stands for itself. */
function outOfEnvelope(chunk: unknown): unknown {
  try {
    const hasPart = typeof chunk === 'object' && chunk !== null && 'part' in chunk;
    return hasPart && 'partialOutput' in chunk ? chunk.part : chunk;
  } catch {
    return chunk;
  }
}

function isLast(chunk: unknown): boolean {
  return typeOf(outOfEnvelope(chunk)) === 'finish';
}

function typeOf(part: unknown): unknown {
  try {
    return (part as { type?: unknown } | null | undefined)?.type;
  } catch {
    return undefined;
  }
}

/** Errors and aborts are parts of the stream, which then ends as any other. */
export function withEnding(call: OpenCall): OpenCall {
  return {
    ...call,
    end: (outcome, result) => {
      const parts = result.items ?? [];
      const failed = parts.findLast((part) => typeOf(part) === 'error');
      const isAborted = parts.some((part) => typeOf(part) === 'abort');
      // Parts that only say so are no answer.
      const isEmpty = parts.every((part) => SILENT.has(typeOf(part)));
      const shown = isEmpty ? { ...result, items: undefined } : result;
      if (outcome !== 'complete') call.end(outcome, shown);
      else if (isAborted) call.end('aborted', shown);
      else if (failed)
        call.end('error', { ...shown, error: (failed as { error?: unknown }).error });
      else call.end('complete', result);
    },
  };
}

const SILENT = new Set<unknown>(['start', 'stream-start', 'start-step', 'error', 'abort']);
