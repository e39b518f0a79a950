import { isIP } from 'node:net';
import { list, refused } from '../option-checks.ts';

/** What Express takes as `trust proxy`: how many hops, or which addresses; undefined: there is no proxy. */
export type TrustedProxies = number | string[] | undefined;

const MAX_HOPS = 10;
const NAMES = new Set(['loopback', 'linklocal', 'uniquelocal']);
const TAKES =
  `true (one proxy), a number of proxies from 1 to ${MAX_HOPS}, or their addresses: IP addresses, subnets such as ` +
  '10.0.0.0/8, "loopback", "linklocal" or "uniquelocal"';

/** @throws PhosphoConfigError */
export function resolveBehindProxy(
  value: boolean | number | string | readonly string[],
): TrustedProxies {
  if (typeof value === 'boolean') return value ? 1 : undefined;
  if (typeof value === 'number') return hops(value);
  if (typeof value === 'string') {
    if (/^(?:0|false)$/i.test(value)) return undefined;
    if (/^true$/i.test(value)) return 1;
    if (/^\d+$/.test(value)) return hops(Number(value));
  }
  const addresses = typeof value === 'string' ? list(value) : [...value];
  const wrong = addresses.find((address) => !isTrustable(address));
  if (addresses.length === 0 || wrong !== undefined)
    throw refused('behindProxy', TAKES, JSON.stringify(wrong ?? value));
  return addresses;
}

function hops(value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= MAX_HOPS) return value;
  throw refused('behindProxy', TAKES, String(value));
}

function isTrustable(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  if (NAMES.has(text)) return true;
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  // Of 0 bits would trust everybody, which is what X-Forwarded-For must not be.
  return most > 0 && (bits === undefined || (Number(bits) >= 1 && Number(bits) <= most));
}
