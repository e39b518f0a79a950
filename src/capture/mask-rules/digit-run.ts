import {
  CLOSE_PAREN,
  DASH,
  DOT,
  endOfDigits,
  isDigit,
  NO_BREAK_HYPHEN,
  NO_BREAK_SPACE,
  OPEN_PAREN,
  SLASH,
  SPACE,
} from './characters.ts';

/** Groups of digits with what people write between them: one mark, or a bracket and a space. */
export interface DigitRun {
  digits: number;
  groups: number;
  end: number;
  /** What stands before the last group. */
  separator: number;
  /** What separates the groups is the same from the second on: the first one may set off an area code. */
  isEven: boolean;
  /** More digits would follow. */
  isCut: boolean;
}

/** Whole groups up to so many digits in all; undefined: the first one has more. */
export function readDigitRun(text: string, start: number, maxDigits: number): DigitRun | undefined {
  let end = endOfDigits(text, start);
  let digits = end - start;
  if (digits > maxDigits || digits === 0) return undefined;
  let [groups, separator, isEven, isCut] = [1, 0, true, false];
  for (;;) {
    const next = startOfNext(text, end);
    if (next < 0) break;
    const nextEnd = endOfFew(text, next, maxDigits - digits + 1);
    if (digits + nextEnd - next > maxDigits) {
      isCut = true;
      break;
    }
    const before = text.charCodeAt(next - 1);
    if (groups > 2 && before !== separator) isEven = false;
    separator = before;
    digits += nextEnd - next;
    groups += 1;
    end = nextEnd;
  }
  return { digits, groups, end, separator, isEven, isCut };
}

/** Where the next group begins, if one or two marks are between; else -1. */
function startOfNext(text: string, end: number): number {
  if (!isMark(text.charCodeAt(end))) return -1;
  if (isDigit(text.charCodeAt(end + 1))) return end + 1;
  const isPair =
    isBracket(text.charCodeAt(end)) !== isBracket(text.charCodeAt(end + 1)) &&
    isMark(text.charCodeAt(end + 1));
  return isPair && isDigit(text.charCodeAt(end + 2)) ? end + 2 : -1;
}

function endOfFew(text: string, start: number, most: number): number {
  let end = start;
  while (end - start < most && isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

function isBracket(code: number): boolean {
  return code === OPEN_PAREN || code === CLOSE_PAREN;
}

function isMark(code: number): boolean {
  switch (code) {
    case SPACE:
    case DASH:
    case DOT:
    case SLASH:
    case NO_BREAK_SPACE:
    case NO_BREAK_HYPHEN:
      return true;
    default:
      return isBracket(code);
  }
}
