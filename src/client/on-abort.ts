const callbacksOf: WeakMap<AbortSignal, Set<() => void>> = new WeakMap();

/**
 * Calls back when the caller's signal aborts, until the function that is returned is called. However many
 * calls share a signal, it gets one listener: from the eleventh on, Node would warn of a leak.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = callbacksOf.get(signal);
  if (callbacks === undefined) {
    const all = new Set<() => void>();
    callbacks = all;
    callbacksOf.set(signal, all);
    signal.addEventListener('abort', () => {
      for (const one of all) one();
    });
  }
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}
