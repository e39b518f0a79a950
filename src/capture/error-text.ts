import { isError } from '../internal/is-error.ts';
import { safeJson, shorten, toPlain } from './serialize.ts';

/** Name and message of whatever was thrown; never throws itself. */
export function errorText(error: unknown): string {
  return shorten(typeof error === 'string' ? error : (named(error) ?? plainText(error)), 2_000);
}

function named(error: unknown): string | undefined {
  try {
    return isError(error) ? `${error.name}: ${error.message}` : undefined;
  } catch {
    return undefined;
  }
}

function plainText(error: unknown): string {
  return safeJson(toPlain(error)) ?? 'unknown';
}
