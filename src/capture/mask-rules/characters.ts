/** Codes of UTF-16 units: scanners of large texts compare these and allocate nothing. */
export const SPACE = 32;
export const QUOTE = 34;
export const HASH = 35;
export const OPEN_PAREN = 40;
export const CLOSE_PAREN = 41;
export const PLUS = 43;
export const DASH = 45;
export const DOT = 46;
export const SLASH = 47;
export const ZERO = 48;
export const COLON = 58;
export const EQUALS = 61;
export const BACKSLASH = 92;
export const UNDERSCORE = 95;
export const NO_BREAK_SPACE = 0xa0;
export const NO_BREAK_HYPHEN = 0x2011;

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isAsciiLetter(code: number): boolean {
  const small = code | 32;
  return small >= 97 && small <= 122;
}

export function isHexDigit(code: number): boolean {
  const small = code | 32;
  return isDigit(code) || (small >= 97 && small <= 102);
}

const LETTER = 1;
const WORD = 2;
/** Kinds by code, as far as Cyrillic; what is beyond has none. */
const KINDS = new Uint8Array(0x530);

for (let code = 0; code < KINDS.length; code++) {
  const isLatin = code >= 0xc0 && code <= 0x24f && code !== 0xd7 && code !== 0xf7;
  if (isAsciiLetter(code) || isLatin || code >= 0x370) KINDS[code] = LETTER | WORD;
  else if (isDigit(code) || code === UNDERSCORE) KINDS[code] = WORD;
}

function isKind(code: number, kind: number): boolean {
  return code < KINDS.length && ((KINDS[code] as number) & kind) !== 0;
}

/**
 * Letters of the scripts that put spaces between words: Latin, Greek, Cyrillic. Others are written next to an
 * address or a number without one.
 */
export function isLetter(code: number): boolean {
  return isKind(code, LETTER);
}

export function isWord(code: number): boolean {
  return isKind(code, WORD);
}

/** The end of the run of digits that begins here. */
export function endOfDigits(text: string, start: number): number {
  let end = start;
  while (isDigit(text.charCodeAt(end))) end += 1;
  return end;
}

/**
 * Whether a word may begin here. Within JSON text that is itself in a string, as tool arguments are, the
 * newline before a number reads `\n`: its `n` is no letter of the word.
 */
export function isWordStart(text: string, at: number): boolean {
  return at === 0 || !isWord(text.charCodeAt(at - 1)) || endsEscape(text, at);
}

function endsEscape(text: string, at: number): boolean {
  if (text.charCodeAt(at - 2) === BACKSLASH) return /[bfnrt]/.test(text.charAt(at - 1));
  return text.charCodeAt(at - 6) === BACKSLASH && /^\\u[\da-f]{4}$/i.test(text.slice(at - 6, at));
}

/** The end of the escape of which the backslash is just before, else the same place. */
export function afterEscape(text: string, at: number): number {
  if (text.charCodeAt(at - 1) !== BACKSLASH) return at;
  if (/^u[\da-f]{4}/i.test(text.slice(at, at + 5))) return at + 5;
  return /[bfnrt]/.test(text.charAt(at)) ? at + 1 : at;
}

interface WordBefore {
  word: string;
  start: number;
}

const NO_WORD: WordBefore = { word: '', start: 0 };

/** The word before a place, in small letters; at most three spaces or marks are between. */
export function wordBefore(text: string, at: number): WordBefore {
  let end = at;
  while (end > 0 && at - end < 3 && !isWord(text.charCodeAt(end - 1))) end -= 1;
  let start = end;
  while (end - start < 16 && isLetter(text.charCodeAt(start - 1))) start -= 1;
  return start === end ? NO_WORD : { word: text.slice(start, end).toLowerCase(), start };
}
