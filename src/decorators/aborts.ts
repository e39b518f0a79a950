import type { OpenCall } from './call.ts';

/**
 * The same call, whose end is `aborted` where its signal says so: an SDK's stream that the app has aborted ends as
 * if there were no more, and a request that it has aborted ends in an error.
 */
export function withAborts(call: OpenCall, signalOf: () => unknown): OpenCall {
  return {
    ...call,
    end: (outcome, result) => {
      const isCut = outcome === 'error' || (outcome === 'complete' && result.items !== undefined);
      const isAborted = isCut && (isAbort(signalOf) || isAbortError(result.error));
      call.end(isAborted ? 'aborted' : outcome, result);
    },
  };
}

/** The signal of an SDK's stream object: openai's and anthropic's, and ollama's. */
export function signalOfStream(stream: unknown): unknown {
  const { controller, abortController } = stream as { [name: string]: { signal?: unknown } };
  return (controller ?? abortController)?.signal;
}

function isAbort(signalOf: () => unknown): boolean {
  try {
    const signal = signalOf();
    return typeof signal === 'object' && signal !== null && 'aborted' in signal && !!signal.aborted;
  } catch {
    return false;
  }
}

/** fetch's, and those of the SDKs, which tell them by their class alone. */
function isAbortError(error: unknown): boolean {
  try {
    if (typeof error !== 'object' || error === null) return false;
    const { name } = error as { name?: unknown };
    return name === 'AbortError' || error.constructor?.name === 'APIUserAbortError';
  } catch {
    return false;
  }
}
