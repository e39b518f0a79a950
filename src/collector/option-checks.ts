import { PhosphoConfigError } from '../errors.ts';

export function secret(name: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[\x21-\x7e]{16,512}$/.test(value)) return value;
  throw refused(name, '16 to 512 printable ASCII characters', `${value.length} characters`);
}

export function matching(
  name: string,
  value: string,
  { pattern, takes }: { pattern: RegExp; takes: string },
): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw refused(name, takes, JSON.stringify(value));
}

export function integer(name: string, value: number | string, least: number, most: number): number {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
    return number;
  throw refused(name, `an integer from ${least} to ${most}`, JSON.stringify(value));
}

export function flagOf(name: string, value: boolean | string): boolean {
  if (typeof value === 'boolean') return value;
  if (['1', 'true'].includes(value.toLowerCase())) return true;
  if (['0', 'false'].includes(value.toLowerCase())) return false;
  throw refused(name, '1, true, 0 or false', JSON.stringify(value));
}

export function list(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** @param name - of the option; a part of one is `judge.model`. The judge's variables start with PHOSPHO_JUDGE_ */
export function refused(name: string, takes: string, came: string): PhosphoConfigError {
  const words = (name.startsWith('judge.') ? name : `collector_${name}`).replace('.', '_');
  const variable = `PHOSPHO_${words.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
  return new PhosphoConfigError(
    `${name} takes ${takes}; ${came} came. Set the option, or ${variable}`,
  );
}
