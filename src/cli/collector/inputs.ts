import { SCOPES, type Scope } from '../../collector/model/scopes.ts';
import { PhosphoConfigError } from '../../errors.ts';

/** Bad input of a person: what is taken, and what came. */
export function misused(what: string, takes: string, came: string): PhosphoConfigError {
  return new PhosphoConfigError(`${what} takes ${takes}; ${JSON.stringify(came)} came`);
}

export function integerOf(flag: string, text: string, least: number, most: number): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw misused(flag, `an integer from ${least} to ${most}`, text);
}

/** `read,write` */
export function scopesOf(text: string): Scope[] {
  const given = text.split(',').map((word) => word.trim());
  const scopes = SCOPES.filter((scope) => given.includes(scope));
  if (scopes.length > 0 && given.every((word) => (SCOPES as readonly string[]).includes(word)))
    return scopes;
  throw misused('--scopes', `one or more of ${SCOPES.join(', ')}, with commas between`, text);
}

const UNITS: Record<string, number> = { m: 60, h: 3600, d: 86_400 };
const DURATION = /^(\d{1,6})([mhd])$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** When a key expires: UNIX seconds, or null for never. */
export function expiryOf(text: string, nowMs: number = Date.now()): number | null {
  if (text === 'never') return null;
  const at = secondsIn(text, nowMs);
  if (at !== undefined && at * 1000 > nowMs) return at;
  throw misused(
    '--expires',
    'a time to come: a duration like 90d, 12h or 30m, a date like 2030-12-31 (in UTC), a time like ' +
      '2030-12-31T18:00:00Z, or never',
    text,
  );
}

function secondsIn(text: string, nowMs: number): number | undefined {
  const [, count, unit = ''] = DURATION.exec(text) ?? [];
  if (count !== undefined) return Math.floor(nowMs / 1000) + Number(count) * (UNITS[unit] ?? 0);
  return dateIn(text);
}

/** UNIX seconds of a date, which is its start in UTC, or a time; undefined where it is neither. */
export function dateIn(text: string): number | undefined {
  const [, year, month, day] = DATE.exec(text)?.map(Number) ?? [];
  if (year === undefined || month === undefined || day === undefined) return undefined;
  // Date.parse takes the 31st of February for a day of March.
  if (month < 1 || month > 12 || day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate())
    return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
