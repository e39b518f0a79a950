import { isIPv6 } from 'node:net';
import {
  COLON,
  DASH,
  DOT,
  EQUALS,
  isDigit,
  isHexDigit,
  isLetter,
  isWord,
  isWordStart,
  SLASH,
  wordBefore,
} from './characters.ts';
import { Replacement } from './replacement.ts';

/** `203.0.113.7` and `2001:db8::1` → `[ip]`. Loopback and unspecified addresses are nobody's, and stay. */
export function maskIpAddresses(text: string): string {
  // An IPv6 address may end in an IPv4 one.
  return maskV4(maskV6(text));
}

function maskV4(text: string): string {
  const result = new Replacement(text);
  for (let dot = text.indexOf('.'); dot >= 0; dot = text.indexOf('.', dot + 1)) {
    const start = startOfOctet(text, dot);
    const end = start < dot && start >= result.from ? endOfV4(text, start) : 0;
    if (end === 0 || isVersion(text, start) || isNobodys(text, start, end)) continue;
    result.put(start, end, '[ip]');
    dot = end - 1;
  }
  return result.text;
}

function startOfOctet(text: string, dot: number): number {
  let start = dot;
  while (dot - start < 4 && isDigit(text.charCodeAt(start - 1))) start -= 1;
  return start;
}

/** Four numbers up to 255 without leading zeros, and no fifth; else 0. */
function endOfV4(text: string, start: number): number {
  if (!isWordStart(text, start) || text.charCodeAt(start - 1) === DOT) return 0;
  let at = start;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(at++) !== DOT) return 0;
    const first = at;
    let value = 0;
    while (at - first < 4 && isDigit(text.charCodeAt(at))) {
      value = value * 10 + text.charCodeAt(at++) - 48;
    }
    const length = at - first;
    if (length === 0 || length > 3 || value > 255) return 0;
    if (length > 1 && text.charCodeAt(first) === 48) return 0;
  }
  const next = text.charCodeAt(at);
  if (isWord(next) || (next === DOT && isWord(text.charCodeAt(at + 1)))) return 0;
  return at;
}

const BEFORE_VERSIONS: ReadonlySet<string> = new Set(
  'version versions v ver release rel build firmware driver section sections chapter clause paragraph rule oid'.split(
    ' ',
  ),
);

/** `Chrome/120.0.0.0`, `pkg-1.2.3.4.tgz`, `==1.2.3.4`, `^1.2.3.4`, `version 1.2.3.4` */
function isVersion(text: string, start: number): boolean {
  const before = text.charCodeAt(start - 1);
  const earlier = text.charCodeAt(start - 2);
  if ((before === SLASH || before === DASH) && isLetter(earlier)) return true;
  if (before === EQUALS && COMPARISONS.includes(earlier)) return true;
  if (before === CARET || before === TILDE || before === SECTION_SIGN) return true;
  return BEFORE_VERSIONS.has(wordBefore(text, start).word);
}

/** What is before the last mark of `==`, `<=`, `>=`, `~=`, `!=`. */
const COMPARISONS: readonly number[] = [...'=<>~!'].map((mark) => mark.charCodeAt(0));
const [CARET, TILDE, SECTION_SIGN] = [94, 126, 0xa7];

function isNobodys(text: string, start: number, end: number): boolean {
  const address = text.slice(start, end);
  return address.startsWith('127.') || address === '0.0.0.0' || address.startsWith('255.');
}

/** Characters of an IPv6 address at most, with an IPv4 one at its end. */
const MAX_V6 = 45;

function maskV6(text: string): string {
  const result = new Replacement(text);
  let colon = text.indexOf(':');
  while (colon >= 0) {
    let start = colon;
    while (start > result.from && colon - start < 5 && isHexDigit(text.charCodeAt(start - 1)))
      start -= 1;
    // A fifth digit is not the address's; it may be the end of an escape such as `\u000a`.
    if (colon - start === 5) start += 1;
    else if (colon - start === 4 && text.startsWith('\\u', start - 2)) start = colon;
    let runEnd = colon;
    while (isV6(text.charCodeAt(runEnd))) runEnd += 1;
    const end = endOfV6(text, start, runEnd);
    if (end > 0) result.put(start, end, '[ip]');
    colon = text.indexOf(':', runEnd);
  }
  return result.text;
}

function isV6(code: number): boolean {
  return isHexDigit(code) || code === COLON || code === DOT;
}

/** 0: none begins here. */
function endOfV6(text: string, start: number, runEnd: number): number {
  let end = runEnd;
  // Full stops and a colon after an address are the sentence's.
  while (text.charCodeAt(end - 1) === DOT) end -= 1;
  if (text.charCodeAt(end - 1) === COLON && text.charCodeAt(end - 2) !== COLON) end -= 1;
  if (end - start < 6 || end - start > MAX_V6 || isWord(text.charCodeAt(end))) return 0;
  if (!isWordStart(text, start) || !beginsV6(text, start) || !hasDigit(text, start, end)) return 0;
  return isIPv6(text.slice(start, end)) ? end : 0;
}

/**
 * Addresses in use begin with four hexadecimal digits, or are of the kinds that stand for IPv4 ones. Others,
 * such as `1::2`, are found in code, where they mean something else.
 */
function beginsV6(text: string, start: number): boolean {
  if (text.charCodeAt(start) === COLON) return /^::ffff:$/i.test(text.slice(start, start + 7));
  return text.charCodeAt(start + 4) === COLON || text.startsWith('64:ff9b::', start);
}

/** `dead::beef` is code. */
function hasDigit(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (isDigit(text.charCodeAt(at))) return true;
  return false;
}
