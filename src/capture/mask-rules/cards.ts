import {
  DASH,
  DOT,
  endOfDigits,
  isDigit,
  isWord,
  isWordStart,
  NO_BREAK_SPACE,
  SPACE,
} from './characters.ts';
import { Replacement } from './replacement.ts';

/** `4111 1111 1111 1111` → `[card]`: a known issuer's beginning and length, and a right check digit (Luhn). */
export function maskCards(text: string): string {
  const result = new Replacement(text);
  let at = 0;
  while (at < text.length) {
    if (!isDigit(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const groupEnd = endOfDigits(text, at);
    const end = endOfCard(text, at, groupEnd);
    if (end > 0) result.put(at, end, '[card]');
    at = Math.max(end, groupEnd);
  }
  return result.text;
}

/** 0: none begins here. */
function endOfCard(text: string, start: number, groupEnd: number): number {
  const length = groupEnd - start;
  if (length !== 4 && (length < 14 || length > 19)) return 0;
  if (!isIssued(text.charCodeAt(start))) return 0;
  if (!isWordStart(text, start) || isFraction(text, start)) return 0;
  if (length > 4) return isWholeCard(text, start, groupEnd) ? groupEnd : 0;
  return endOfSpaced(text, start, endOfDigits(text, start + 5) - start - 5);
}

const FOURS = [4, 4, 4, 4];
const SIXES = [
  [4, 6, 5],
  [4, 6, 4],
];

/** Spaced as on the card, and as people type it; `second`: digits of the second group. */
function endOfSpaced(text: string, start: number, second: number): number {
  if (second === 4) {
    const end = endOfGroups(text, start, FOURS);
    if (end === 0) return 0;
    const isLonger =
      text.charCodeAt(end) === text.charCodeAt(end - 5) && endOfDigits(text, end + 1) === end + 4;
    if (isLonger && isWholeCard(text, start, end + 4)) return end + 4;
    return isWholeCard(text, start, end) ? end : 0;
  }
  if (second !== 6) return 0;
  for (const spacing of SIXES) {
    const end = endOfGroups(text, start, spacing);
    if (end > 0 && isWholeCard(text, start, end)) return end;
  }
  return 0;
}

function isWholeCard(text: string, start: number, end: number): boolean {
  return isCardEnd(text, end) && isCard(text, start, end);
}

function isFraction(text: string, start: number): boolean {
  return text.charCodeAt(start - 1) === DOT && isDigit(text.charCodeAt(start - 2));
}

function isCardEnd(text: string, end: number): boolean {
  const next = text.charCodeAt(end);
  return !isWord(next) && !(next === DOT && isDigit(text.charCodeAt(end + 1)));
}

/** The end of groups of just these lengths, one separator between them, the same throughout; else 0. */
export function endOfGroups(text: string, start: number, lengths: readonly number[]): number {
  const separator = text.charCodeAt(start + (lengths[0] as number));
  if (!isSeparator(separator)) return 0;
  let at = start;
  for (let group = 0; group < lengths.length; group++) {
    if (group > 0 && text.charCodeAt(at++) !== separator) return 0;
    const end = at + (lengths[group] as number);
    while (at < end) if (!isDigit(text.charCodeAt(at++))) return 0;
  }
  return isDigit(text.charCodeAt(at)) ? 0 : at;
}

function isSeparator(code: number): boolean {
  return code === SPACE || code === DASH || code === DOT || code === NO_BREAK_SPACE;
}

function isCard(text: string, start: number, end: number): boolean {
  if (!isLuhn(text, start, end)) return false;
  const digits = text.slice(start, end).replace(/\D/g, '');
  return ISSUERS.some(
    ({ shape, lengths }) => lengths.includes(digits.length) && shape.test(digits),
  );
}

/** Most numbers are none by their first digit. */
function isIssued(code: number): boolean {
  return code >= 50 && code <= 54;
}

/** Beginnings by issuer; Maestro, Discover, UnionPay and RuPay share the sixes. */
const ISSUERS: readonly { shape: RegExp; lengths: readonly number[] }[] = [
  { shape: /^4/, lengths: [16, 19] },
  { shape: /^(5[1-5]|2[2-7])/, lengths: [16] },
  { shape: /^3[47]/, lengths: [15] },
  { shape: /^3(0[0-5]|[689])/, lengths: [14] },
  { shape: /^35/, lengths: [16, 17, 18, 19] },
  { shape: /^(5[0678]|6)/, lengths: [16, 17, 18, 19] },
];

function isLuhn(text: string, start: number, end: number): boolean {
  let sum = 0;
  let isDoubled = false;
  for (let at = end - 1; at >= start; at--) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) continue;
    const weighed = isDoubled ? (code - 48) * 2 : code - 48;
    sum += weighed > 9 ? weighed - 9 : weighed;
    isDoubled = !isDoubled;
  }
  return sum % 10 === 0;
}
