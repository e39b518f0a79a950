/**
 * A promise that settles as another one, once that was looked at: a rejection that nobody handles is still unhandled,
 * and still the host's. Whatever is no promise passes. A look that throws is at something strange: that is for the
 * promise's owner to meet.
 */
export function derive(
  promise: unknown,
  seen: (value: unknown) => void,
  failed: (error: unknown) => void,
): unknown {
  if (!(promise instanceof Promise)) return promise;
  return promise.then(
    (value: unknown) => {
      attempt(seen, value);
      return value;
    },
    (error: unknown) => {
      attempt(failed, error);
      throw error;
    },
  );
}

function attempt(look: (settled: unknown) => void, settled: unknown): void {
  try {
    look(settled);
  } catch {
    // See above.
  }
}
