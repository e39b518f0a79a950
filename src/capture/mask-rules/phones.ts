import { endOfGroups } from './cards.ts';
import {
  CLOSE_PAREN,
  DASH,
  DOT,
  endOfDigits,
  HASH,
  isDigit,
  isLetter,
  isWord,
  isWordStart,
  OPEN_PAREN,
  PLUS,
  SLASH,
  SPACE,
  wordBefore,
  ZERO,
} from './characters.ts';
import { type DigitRun, readDigitRun } from './digit-run.ts';
import { Replacement } from './replacement.ts';

/**
 * `+33 6 12 34 56 78`, `(415) 555-2671`, `06 12 34 56 78` → `[phone]`: what only a phone number looks like,
 * and other numbers after a word such as `phone`.
 */
export function maskPhones(text: string): string {
  const result = new Replacement(text);
  let at = 0;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (!isDigit(code) && code !== PLUS && code !== OPEN_PAREN) {
      at += 1;
      continue;
    }
    const end = endOfPhone(text, at, result.from);
    if (end > 0) result.put(at, end, '[phone]');
    at = end > 0 ? end : Math.max(at + 1, endOfDigits(text, at));
  }
  return result.text;
}

/** 0: none begins here. What was before `from` is a marker now. */
function endOfPhone(text: string, at: number, from: number): number {
  const code = text.charCodeAt(at);
  if (!isDigit(code) && !opensNumber(text, at)) return 0;
  if (!mayBegin(text, at, from)) return 0;
  if (code === PLUS) return endOfInternational(text, at + 1);
  if (code === OPEN_PAREN) return endOfBracketed(text, at, from);
  if (text.startsWith('00', at)) return endOfInternational(text, at + 2);
  return (
    endOfAmerican(text, at) ||
    (code === ZERO ? endOfNational(text, at, from) : 0) ||
    endOfNamed(text, at)
  );
}

/** A plus or bracket that has a number behind it. */
function opensNumber(text: string, at: number): boolean {
  const next = text.charCodeAt(at + 1);
  if (text.charCodeAt(at) === PLUS) return isDigit(next);
  return next === ZERO || next === PLUS || text.charCodeAt(at + 4) === CLOSE_PAREN;
}

/** Not within a word, a larger number, a date, a path, an id or a price. */
function mayBegin(text: string, at: number, from: number): boolean {
  if (at === from) return true;
  if (!isWordStart(text, at)) return false;
  switch (text.charCodeAt(at - 1)) {
    case HASH:
    case DOLLAR:
    case PLUS:
    case POUND:
    case YEN:
    case EURO:
      return false;
    case DASH:
    case SLASH:
    case DOT:
    case COMMA:
      return at - 1 === from || !isWord(text.charCodeAt(at - 2));
    default:
      return true;
  }
}

const [DOLLAR, COMMA, POUND, YEN, EURO] = [36, 44, 0xa3, 0xa5, 0x20ac];

/** After `+` or `00`: country code and number, 8 to 15 digits (E.164). */
function endOfInternational(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first < 49 || first > 57) return 0;
  const run = readDigitRun(text, start, 15);
  if (run === undefined || run.digits < 8 || isDecimal(run)) return 0;
  // Without a plus, zeros pad an id as well.
  if (text.charCodeAt(start - 1) === ZERO && run.groups === 1) return 0;
  return endsHere(text, run.end) ? run.end : 0;
}

const AREA = '[2-9][0-8]\\d';
const EXCHANGE = '[2-9]\\d{2}';
/** `415-555-2671`, `1-415-555-2671`, `415.555.2671`; numbers with spaces alone may be anything. */
const AMERICAN = new RegExp(`(1([-. ]))?${AREA}([-.])${EXCHANGE}\\3\\d{4}(?!\\d)`, 'y');
const AMERICAN_SPACED = new RegExp(`1 ${AREA} ${EXCHANGE} \\d{4}(?!\\d)`, 'y');
const BRACKETED = new RegExp(`(1[-. ])?\\(${AREA}\\)[-. ]?${EXCHANGE}[-. ]\\d{4}(?!\\d)`, 'y');

function endOfAmerican(text: string, at: number): number {
  const length = endOfDigits(text, at) - at;
  if (length === 3) {
    const isSpaced = !isDigit(text.charCodeAt(at + 4)) || text.charCodeAt(at + 3) === SPACE;
    return isSpaced ? 0 : matchEnd(AMERICAN, text, at);
  }
  if (length !== 1 || text.charCodeAt(at) !== 49) return 0;
  const next = text.charCodeAt(at + 2);
  if (next === OPEN_PAREN) return matchEnd(BRACKETED, text, at);
  if (!isDigit(next) || endOfDigits(text, at + 2) !== at + 5) return 0;
  return matchEnd(AMERICAN, text, at) || matchEnd(AMERICAN_SPACED, text, at);
}

function endOfBracketed(text: string, at: number, from: number): number {
  const first = text.charCodeAt(at + 1);
  if (first === PLUS) return endOfInternational(text, at + 2);
  // (030) 1234567, (0)30 1234567
  if (first === ZERO) return endOfNational(text, at + 1, from);
  return matchEnd(BRACKETED, text, at);
}

function matchEnd(shape: RegExp, text: string, at: number): number {
  shape.lastIndex = at;
  return shape.test(text) && endsHere(text, shape.lastIndex) ? shape.lastIndex : 0;
}

const PAIRS = [2, 2, 2, 2, 2];

/** With the zero that is dialled within a country: 9 to 11 digits, spaced evenly but for the area code. */
function endOfNational(text: string, start: number, from: number): number {
  const groupEnd = endOfDigits(text, start);
  const length = groupEnd - start;
  if (text.charCodeAt(start + 1) === ZERO || isContinued(text, start, length, from)) return 0;
  if (length === 10 || length === 11) return isTold(text, start, groupEnd) ? groupEnd : 0;
  const pairs = length === 2 ? endOfGroups(text, start, PAIRS) : 0;
  if (pairs > 0 && endsHere(text, pairs) && !isPairAfter(text, pairs)) return pairs;
  if (length > 5 || (length === 1 && text.charCodeAt(groupEnd) !== CLOSE_PAREN)) return 0;
  const run = readDigitRun(text, start, 11);
  if (run === undefined || run.isCut || run.digits < 9 || !run.isEven) return 0;
  if (isDecimal(run) || isDate(text, start)) return 0;
  return endsHere(text, run.end) ? run.end : 0;
}

/** The numbers of a list have equal lengths: `01 02 03 04 05 06` has no phone number within. */
function isContinued(text: string, start: number, length: number, from: number): boolean {
  const first = start - 1 - length;
  return (
    first >= from &&
    !isWord(text.charCodeAt(start - 1)) &&
    endOfDigits(text, first) === start - 1 &&
    !isDigit(text.charCodeAt(first - 1))
  );
}

function isPairAfter(text: string, end: number): boolean {
  return text.charAt(end) === text.charAt(end - 3) && endOfDigits(text, end + 1) === end + 3;
}

/** Unspaced, it could be a book's number. */
function isTold(text: string, start: number, end: number): boolean {
  return endsHere(text, end) && !NOT_PHONES.has(wordBefore(text, start).word);
}

const NOT_PHONES: ReadonlySet<string> = new Set(
  'isbn id order invoice ticket ean sku ref'.split(' '),
);

const NAMES: ReadonlySet<string> = new Set(
  'phone telephone tel mobile cell cellphone fax whatsapp telefon telefono teléfono téléphone handy portable móvil celular'.split(
    ' ',
  ),
);
const FILLERS: ReadonlySet<string> = new Set(
  'number no nr num is at on me my est ist es numéro'.split(' '),
);

/** After a word that says so: any 7 to 15 digits. */
function endOfNamed(text: string, start: number): number {
  if (!isNamed(text, start)) return 0;
  const run = readDigitRun(text, start, 15);
  if (run === undefined || run.isCut || run.digits < 7 || isDate(text, start)) return 0;
  return endsHere(text, run.end) ? run.end : 0;
}

function isNamed(text: string, start: number): boolean {
  let at = start;
  for (let words = 0; words < 3; words++) {
    const before = wordBefore(text, at);
    // A marker is no name of what is behind it.
    if (text.charAt(before.start + before.word.length) === ']') return false;
    if (NAMES.has(before.word)) return true;
    if (!FILLERS.has(before.word)) return false;
    at = before.start;
  }
  return false;
}

/** `3.14159265` */
function isDecimal({ groups, separator }: DigitRun): boolean {
  return groups === 2 && separator === DOT;
}

function isDate(text: string, start: number): boolean {
  return /^(\d{4}[-./]\d\d?[-./]\d\d?|\d\d?([-./])\d\d?\2\d{4})(?!\d)/.test(
    text.slice(start, start + 11),
  );
}

function endsHere(text: string, end: number): boolean {
  const code = text.charCodeAt(end);
  return !(isDigit(code) || isLetter(code));
}
