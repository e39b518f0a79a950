import {
  afterEscape,
  COLON,
  DASH,
  DOT,
  endOfDigits,
  isDigit,
  isLetter,
  UNDERSCORE,
} from './characters.ts';
import { Replacement } from './replacement.ts';

/** `ada@example.com` → `[email]`. */
export function maskEmails(text: string): string {
  const result = new Replacement(text);
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    if (!isLocal(text.charCodeAt(at - 1)) || !isDomain(text.charCodeAt(at + 1))) continue;
    const start = startOfLocal(text, at, result.from);
    const end = start < at ? endOfDomain(text, at + 1) : 0;
    if (end > 0 && !isGitRemote(text, start, at, end)) result.put(start, end, '[email]');
  }
  return result.text;
}

/** `at` itself where there is no local part. What was read for one `@` is not read again for the next. */
function startOfLocal(text: string, at: number, from: number): number {
  let start = at;
  while (start > from && isLocal(text.charCodeAt(start - 1))) start -= 1;
  start = Math.min(afterEscape(text, start), at);
  // Quotes, dots and dashes before an address are the sentence's.
  while (start < at && !isLetter(text.charCodeAt(start)) && !isDigit(text.charCodeAt(start))) {
    if (text.charCodeAt(start) === UNDERSCORE) break;
    start += 1;
  }
  return start;
}

function isLocal(code: number): boolean {
  return isDomain(code) || (code < 128 && LOCAL_MARKS[code] === 1);
}

const LOCAL_MARKS = new Uint8Array(128);
for (const mark of "_%+'&!#$*~") LOCAL_MARKS[mark.charCodeAt(0)] = 1;

function isDomain(code: number): boolean {
  return isDigit(code) || isLetter(code) || code === DOT || code === DASH;
}

/** 0: no domain begins here. Labels at the end that cannot be a top-level domain are not part of it. */
function endOfDomain(text: string, start: number): number {
  let end = start;
  while (isDomain(text.charCodeAt(end))) {
    if (text.charCodeAt(end) === DOT && text.charCodeAt(end + 1) === DOT) break;
    end += 1;
  }
  if (isVersion(text, start)) return 0;
  for (;;) {
    let dot = end - 1;
    while (dot > start && text.charCodeAt(dot) !== DOT) dot -= 1;
    if (dot <= start) return 0;
    if (isTopLevel(text, dot + 1, end)) return end;
    end = dot;
  }
}

/** `react@18.2.0-rc.alpha` */
function isVersion(text: string, start: number): boolean {
  const end = endOfDigits(text, start);
  return end > start && text.charCodeAt(end) === DOT && isDigit(text.charCodeAt(end + 1));
}

function isTopLevel(text: string, start: number, end: number): boolean {
  if (end - start < 2 || end - start > 24) return false;
  if (text.startsWith('xn--', start)) return true;
  for (let at = start; at < end; at++) {
    if (!isLetter(text.charCodeAt(at))) return false;
  }
  return true;
}

/** `git@github.com:owner/name` is an address of code. */
function isGitRemote(text: string, start: number, at: number, end: number): boolean {
  return text.charCodeAt(end) === COLON && text.slice(start, at + 1) === 'git@';
}
