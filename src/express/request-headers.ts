import { PhosphoConfigError } from '../errors.ts';
import type { JsonObject } from '../types.ts';
import type { AppRequest } from './types.ts';

/** Characters of one header's value. */
const MAX_VALUE = 1_024;

const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Words of a header's name that tell of a credential. */
const SECRET =
  /(^|[-_.])(auth|authentication|authorization|cookie|credential|jwt|passwd|password|secret|signature|token|(access|api|auth|private|secret)?key)s?\d?($|[-_.])|apikey|accesskey|authtoken|accesstoken/;

/** They have a word of the kind, and are none. */
const HARMLESS: ReadonlySet<string> = new Set(['idempotency-key', 'x-idempotency-key']);

/** Names in small letters. Throws a PhosphoConfigError for what is no header, or holds a credential. */
export function resolveHeaders(option: unknown): readonly string[] {
  if (option === undefined) return [];
  if (!Array.isArray(option)) throw refused('a list of names of headers', option);
  return [...new Set(option.map(headerName))];
}

function headerName(given: unknown): string {
  const name = typeof given === 'string' ? given.toLowerCase() : '';
  if (!NAME.test(name)) throw refused('a list of names of headers such as "x-tenant"', given);
  if (!SECRET.test(name) || HARMLESS.has(name)) return name;
  throw new PhosphoConfigError(
    `middleware() option headers must not have ${JSON.stringify(given)}: such a header holds a credential, which must not be recorded`,
  );
}

function refused(accepted: string, value: unknown): PhosphoConfigError {
  const came = typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value);
  return new PhosphoConfigError(
    `middleware() option headers must be ${accepted}, got ${came ?? typeof value}`,
  );
}

/** Those headers that the request has; undefined where there are none of them. */
export function pickHeaders(req: AppRequest, names: readonly string[]): JsonObject | undefined {
  const picked: JsonObject = {};
  for (const name of names) {
    const value = Object.hasOwn(req.headers, name) ? req.headers[name] : undefined;
    if (value !== undefined) picked[name] = String(value).slice(0, MAX_VALUE);
  }
  return Object.keys(picked).length > 0 ? picked : undefined;
}
