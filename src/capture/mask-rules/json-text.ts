import { BACKSLASH, COLON, QUOTE } from './characters.ts';
import { Replacement } from './replacement.ts';

/**
 * Replaces the values under some keys in what is JSON within a text, also where it is broken or cut off: an
 * unclosed value ends where the text does. JSON in a string of JSON has its quotes behind backslashes; up to
 * three such levels are read.
 */
export function maskJsonText(
  text: string,
  isNamed: (key: string) => boolean,
  [minLength, maxLength]: readonly [number, number],
): string {
  const result = new Replacement(text);
  let open = text.indexOf('"');
  while (open >= 0) {
    const close = text.indexOf('"', open + 1);
    if (close < 0) break;
    const slashes = backslashesBefore(text, open);
    const keyEnd = close - slashes;
    const isKey =
      keyEnd - open > minLength &&
      keyEnd - open <= maxLength + 1 &&
      backslashesBefore(text, close) === slashes &&
      isNamed(text.slice(open + 1, keyEnd));
    const start = isKey ? startOfValue(text, close + 1) : -1;
    const end = start < 0 ? -1 : endOfValue(text, start, slashes);
    if (end > start) {
      const quote = `${'\\'.repeat(slashes)}"`;
      result.put(start, end, `${quote}[masked]${quote}`);
    }
    open = end > start ? text.indexOf('"', end) : close;
  }
  return result.text;
}

/** Levels of quoting have 0, 1, 3 and 7. */
const MAX_BACKSLASHES = 7;

function backslashesBefore(text: string, at: number): number {
  let start = at;
  while (at - start <= MAX_BACKSLASHES && text.charCodeAt(start - 1) === BACKSLASH) start -= 1;
  return at - start;
}

/** After a colon; -1: there is none. */
function startOfValue(text: string, from: number): number {
  const colon = skipSpace(text, from);
  return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : -1;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** No further than `start` where nothing is to be masked: there is no value, or it is null. */
function endOfValue(text: string, start: number, slashes: number): number {
  const open = start + (text.charCodeAt(start) === BACKSLASH ? slashes : 0);
  const code = text.charCodeAt(open);
  if (code === QUOTE) return endOfString(text, open, slashes);
  if (code === OPEN_BRACE || code === OPEN_BRACKET) return endOfNested(text, open, slashes);
  let end = start;
  while (isBare(text.charCodeAt(end))) end += 1;
  return text.slice(start, end) === 'null' ? start : end;
}

const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [91, 93, 123, 125];

/** Numbers, true and false, with whatever else is written without quotes. */
function isBare(code: number): boolean {
  return code > 32 && !BARE_ENDS.has(code);
}

const BARE_ENDS: ReadonlySet<number> = new Set(
  [...'",:\\[]{}\''].map((mark) => mark.charCodeAt(0)),
);

/** Behind the closing quote; before a quote of an outer level, which ends the inner text; else the text's end. */
function endOfString(text: string, open: number, slashes: number): number {
  let from = open + 1;
  for (;;) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return text.length;
    let start = quote;
    while (start > from && text.charCodeAt(start - 1) === BACKSLASH) start -= 1;
    const before = quote - start;
    if (before < slashes) return start;
    // Each level doubles the backslashes; an even number of the string's own escapes but one another.
    if (((before - slashes) / (slashes + 1)) % 2 === 0) return quote + 1;
    from = quote + 1;
  }
}

function endOfNested(text: string, open: number, slashes: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const before = backslashesBefore(text, at);
      // The outer text's own quote: the inner JSON was cut off.
      if (before < slashes) return at - before;
      at = endOfString(text, at, slashes) - 1;
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}
