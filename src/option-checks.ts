import { PhosphoConfigError, type PhosphoError } from './errors.ts';

/** What a number may be, and is where none is given. */
export type Range = readonly [min: number, standard: number, max: number];

export function checkNames(
  taker: string,
  given: object,
  names: ReadonlySet<string>,
  Fault: new (message: string) => PhosphoError = PhosphoConfigError,
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new Fault(`${taker} takes an object, got ${show(given)}`);
  }
  const unknown = Object.keys(given).find((name) => !names.has(name));
  if (unknown === undefined) return;
  throw new Fault(`${taker} has no option "${unknown}"; it takes: ${[...names].join(', ')}`);
}

export function expectType(name: string, value: unknown, type: string): void {
  if (value === undefined || typeof value === type) return;
  throw wrong(name, `a ${type}`, value);
}

export function expectMethods(
  name: string,
  value: object | undefined,
  methods: readonly string[],
): void {
  if (value === undefined) return;
  const given = Object(value) as { [method: string]: unknown };
  if (methods.every((method) => typeof given[method] === 'function')) return;
  throw wrong(name, `an object with the method(s) ${methods.join(', ')}`, value);
}

export function wrong(name: string, accepted: string, value: unknown): PhosphoConfigError {
  return new PhosphoConfigError(`option ${name} must be ${accepted}, got ${show(value)}`);
}

/** A value and its type, whatever it is; never a whole object, which may hold a secret. */
export function show(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `${JSON.stringify(value.slice(0, 60))} (string)`;
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return typeof value === 'function' ? 'a function' : `${String(value)} (${typeof value})`;
}

export function numberIn(
  name: string,
  given: number | undefined,
  [min, standard, max]: Range,
): number {
  const value = given ?? standard;
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw wrong(name, `a whole number from ${min} to ${max}`, value);
}

export function oneOf<T extends string>(
  name: string,
  given: T | undefined,
  accepted: readonly T[],
  standard: T,
): T {
  const value = given ?? standard;
  if (accepted.includes(value)) return value;
  throw wrong(name, `one of ${accepted.join(', ')}`, value);
}
