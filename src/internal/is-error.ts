import { types } from 'node:util';

/** Also one of another realm: tests run by Jest, and code in `node:vm`, have an Error of their own. */
export function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}
