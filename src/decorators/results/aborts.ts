import type { Outcome } from '../../types.ts';
import type { OpenCall } from '../call.ts';

/** The same call, which is `aborted` where the app has stopped its request: that ends in an error, or in silence. */
export function withAborts(call: OpenCall, signalOf: () => unknown): OpenCall {
  return ending(call, (outcome, result) => {
    const isCut = outcome === 'error' || (outcome === 'complete' && result.items !== undefined);
    return isCut && (isAbortError(result.error) || isAborted(signalOf)) ? 'aborted' : outcome;
  });
}

/**
 * The same for a stream object of an SDK, with a controller of its own. One that the app has aborted ends as if
 * there were no more; after an error the SDK aborts it itself.
 */
export function withStreamAborts(call: OpenCall, stream: unknown): OpenCall {
  return ending(call, (outcome) =>
    outcome === 'complete' && isAborted(() => signalOfStream(stream)) ? 'aborted' : outcome,
  );
}

function ending(
  call: OpenCall,
  outcomeOf: (...end: Parameters<OpenCall['end']>) => Outcome,
): OpenCall {
  return { ...call, end: (outcome, result) => call.end(outcomeOf(outcome, result), result) };
}

/** openai's and anthropic's, and ollama's. */
function signalOfStream(stream: unknown): unknown {
  const { controller, abortController } = stream as { [name: string]: { signal?: unknown } };
  return (controller ?? abortController)?.signal;
}

function isAborted(signalOf: () => unknown): boolean {
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
