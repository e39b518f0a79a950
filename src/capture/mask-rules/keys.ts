import { PhosphoConfigError } from '../../errors.ts';
import { sharedSymbol } from '../../internal/brand.ts';
import type { Mask } from '../mask.ts';
import { maskJsonText } from './json-text.ts';

/** On a rule by names: whether the value under this key is to be masked. */
const NAMES = sharedSymbol('mask-keys');

type IsNamed = (key: string) => boolean;

/** What stands for a masked value. */
export const MASKED = '[masked]';

/** Letters and digits: `api_key`, `apiKey` and `API-KEY` are one name. */
function plainName(key: string): string {
  return key.replace(/[_\-\s.]/g, '').toLowerCase();
}

/** @throws PhosphoConfigError if it is given no list of names. */
export function maskKeys(names: readonly string[]): Mask {
  const given: unknown = names;
  const isList = Array.isArray(given) && given.length > 0;
  if (!isList || !given.every((name) => typeof name === 'string' && plainName(name) !== '')) {
    throw new PhosphoConfigError(
      `maskRules.keys() takes a list of names such as ["password"], got ${JSON.stringify(given)}`,
    );
  }
  const known = new Set(names.map(plainName));
  const minLength = Math.min(...[...known].map((name) => name.length));
  // What is longer has too many marks between its letters to be one of them.
  const maxLength = 2 * Math.max(...names.map((name) => name.length)) + 8;
  const isNamed: IsNamed = (key) =>
    key.length >= minLength && key.length <= maxLength && known.has(plainName(key));
  const mask: Mask = (text) => maskJsonText(text, isNamed, [minLength, maxLength]);
  return Object.defineProperty(mask, NAMES, { value: isNamed });
}

/** The test of a rule by names; undefined for any other mask. */
export function namesOf(mask: Mask): IsNamed | undefined {
  return (mask as unknown as { [name: symbol]: IsNamed | undefined })[NAMES];
}
