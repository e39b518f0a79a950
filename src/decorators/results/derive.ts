/**
 * A promise that settles as another one, once that was looked at: a rejection that nobody handles is still unhandled,
 * and still the host's. Whatever is no promise passes. A look that throws is at something strange: that is for the
 * promise's owner to meet.
 */
export function derive(promise: unknown, seen: Look, failed: Look): unknown {
  if (!(promise instanceof Promise)) return promise;
  return promise.then(...looking(seen, failed));
}

/** A promise that is nothing but that: another one in its place makes no difference. */
export function isPlainPromise(value: unknown): value is Promise<unknown> {
  return value instanceof Promise && Object.getPrototypeOf(value) === Promise.prototype;
}

/** The same by the platform's own `then`: one that somebody put on the promise may start what it stands for. */
export function derivePlain(promise: Promise<unknown>, seen: Look, failed: Look): Promise<unknown> {
  return Reflect.apply(Promise.prototype.then, promise, looking(seen, failed)) as Promise<unknown>;
}

type Look = (settled: unknown) => void;

function looking(seen: Look, failed: Look): [Look, Look] {
  return [
    (value) => {
      attempt(seen, value);
      return value;
    },
    (error) => {
      attempt(failed, error);
      throw error;
    },
  ];
}

function attempt(look: Look, settled: unknown): void {
  try {
    look(settled);
  } catch {
    // See above.
  }
}
