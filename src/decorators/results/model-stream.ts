import { isThenable } from '../../internal/hooks.ts';
import type { OpenCall } from '../call.ts';
import { replaceStream } from './passing.ts';
import { read, withEnding } from './sdk-stream.ts';

/** Records what `doStream` of a language model promises: `{ stream, … }`, as the stream is read. */
export function followModelStream(result: unknown, call: OpenCall): unknown {
  if (!isThenable(result)) {
    followStream(result, call);
    return result;
  }
  return result.then(
    (value) => {
      followStream(value, call);
      return value;
    },
    (error: unknown) => {
      call.end('error', { error });
      throw error;
    },
  );
}

function followStream(result: unknown, outer: OpenCall): void {
  const call = withEnding(outer);
  try {
    if (replaceStream(result as object, 'stream', (stream) => read(stream, call))) return;
  } catch {
    // A result that cannot be looked into is the app's to meet.
  }
  call.end('complete', {});
}
