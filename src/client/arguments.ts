import { PhosphoArgumentError } from '../errors.ts';
import type { Flag } from '../types.ts';

/** An id as one segment of a path. Throws PhosphoArgumentError for an id that would lead to another path. */
export function pathSegment(name: string, id: unknown): string {
  const text = checkId(name, id);
  if (text === '.' || text === '..') throw unacceptable(name, 'an id', id);
  try {
    return encodeURIComponent(text);
  } catch (cause) {
    throw new PhosphoArgumentError(`${name} is not well-formed Unicode.`, { cause });
  }
}

/** An id that travels in a body. */
export function checkId(name: string, id: unknown): string {
  if (typeof id !== 'string' || id.trim() === '') {
    throw unacceptable(name, 'a string that is not empty', id);
  }
  return id;
}

export function checkOptionalId(name: string, id: unknown): string | undefined {
  return id === undefined || id === null ? undefined : checkId(name, id);
}

export function checkText(name: string, text: unknown): string {
  if (typeof text !== 'string') throw unacceptable(name, 'a string', text);
  return text;
}

export function checkFlag(name: string, flag: unknown): Flag {
  return checkOneOf(name, flag, ['success', 'failure']);
}

/** A flag where one is given; null and undefined mean none. */
export function checkOptionalFlag(name: string, flag: unknown): Flag | undefined {
  return flag === undefined || flag === null ? undefined : checkFlag(name, flag);
}

export function checkOneOf<T extends string>(
  name: string,
  value: unknown,
  accepted: readonly T[],
): T {
  const found = accepted.find((candidate) => candidate === value);
  if (found === undefined) {
    throw unacceptable(name, accepted.map((one) => `"${one}"`).join(' or '), value);
  }
  return found;
}

export function checkLimit(limit: unknown): number | undefined {
  if (limit === undefined) return undefined;
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1) {
    throw unacceptable('limit', 'a whole number from 1', limit);
  }
  return limit;
}

function unacceptable(name: string, accepted: string, value: unknown): PhosphoArgumentError {
  return new PhosphoArgumentError(
    `${name} is not acceptable. Accepted: ${accepted}. Received: ${shown(value)}`,
  );
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
