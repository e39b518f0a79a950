import { isError } from './is-error.ts';
import type { GuardedLogger } from './logger.ts';

/**
 * Calls a user's hook so that nothing it does reaches the caller: a throw or a rejection is said once and
 * forgotten. The hook's result is returned where it is not a promise.
 */
export function callHook<Args extends unknown[], R>(
  logger: GuardedLogger,
  name: string,
  hook: ((...args: Args) => R) | undefined,
  ...args: Args
): R | undefined {
  if (hook === undefined) return undefined;
  try {
    const result = hook(...args);
    if (isThenable(result)) {
      result.then(undefined, (error: unknown) => complain(logger, name, error));
      return undefined;
    }
    return result;
  } catch (error) {
    complain(logger, name, error);
    return undefined;
  }
}

function complain(logger: GuardedLogger, name: string, error: unknown): void {
  logger.once(`hook:${name}`, 'warn', `the hook ${name} failed: ${describeError(error)}`);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    'then' in value &&
    typeof value.then === 'function'
  );
}

/** Name and message of whatever was thrown; never throws itself, whatever the value's getters do. */
export function describeError(error: unknown): string {
  try {
    return isError(error) ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}
