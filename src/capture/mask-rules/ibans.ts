import {
  DASH,
  isAsciiLetter,
  isDigit,
  isWord,
  isWordStart,
  NO_BREAK_SPACE,
  SPACE,
} from './characters.ts';
import { Replacement } from './replacement.ts';

/** Characters of an IBAN by country. Source: SWIFT's IBAN registry. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 ' +
    'EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 ' +
    'IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 ' +
    'NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 ' +
    'SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** `DE89 3704 0044 0532 0130 00` → `[iban]`: a country's length, and right check digits (mod 97). */
export function maskIbans(text: string): string {
  const result = new Replacement(text);
  let at = 0;
  while (at < text.length - 14) {
    // The check digit that is not there cannot be the first one of the next beginning either.
    if (!isDigit(text.charCodeAt(at + 3))) {
      at += 2;
      continue;
    }
    const end = beginsIban(text, at) ? endOfIban(text, at) : 0;
    if (end > 0) result.put(at, end, '[iban]');
    at = Math.max(at + 1, end);
  }
  return result.text;
}

function beginsIban(text: string, at: number): boolean {
  return (
    isAsciiLetter(text.charCodeAt(at + 1)) &&
    isAsciiLetter(text.charCodeAt(at)) &&
    isDigit(text.charCodeAt(at + 2)) &&
    isWordStart(text, at) &&
    // One in some 20 000 UUIDs has a part that would pass.
    !(text.charCodeAt(at - 1) === DASH && isWord(text.charCodeAt(at - 2)))
  );
}

/** 0: none begins here. */
function endOfIban(text: string, start: number): number {
  const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase());
  if (length === undefined) return 0;
  let end = start;
  for (let count = 0; count < length; count++) {
    if (count > 0 && count % 4 === 0 && isSeparator(text.charCodeAt(end))) end += 1;
    if (!isAlphanumeric(text.charCodeAt(end))) return 0;
    end += 1;
  }
  return !isWord(text.charCodeAt(end)) && isChecked(text, start, end) ? end : 0;
}

function isSeparator(code: number): boolean {
  return code === SPACE || code === DASH || code === NO_BREAK_SPACE;
}

function isAlphanumeric(code: number): boolean {
  return isDigit(code) || isAsciiLetter(code);
}

/** Country and check digits last, letters as 10 to 35: the number has remainder 1 by 97. */
function isChecked(text: string, start: number, end: number): boolean {
  return remainder(text, start, start + 4, remainder(text, start + 4, end, 0)) === 1;
}

function remainder(text: string, start: number, end: number, before: number): number {
  let rest = before;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (isDigit(code)) rest = (rest * 10 + code - 48) % 97;
    else if (isAsciiLetter(code)) rest = (rest * 100 + (code | 32) - 87) % 97;
  }
  return rest;
}
