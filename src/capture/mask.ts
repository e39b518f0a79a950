import { isThenable } from '../internal/hooks.ts';
import { mapStrings } from './map-strings.ts';
import { Replacement } from './mask-rules/replacement.ts';

/**
 * Replaces what must not leave. Called off the request's path, on every string that is sent, and on numbers of
 * 12 digits and more in bodies and metadata.
 */
export type Mask = (text: string) => string;

/** A credential's shape: how it begins, with as many characters as it must have, and what it goes on with. */
interface Shape {
  readonly beginning: RegExp;
  readonly goesOn: CharacterSet;
}

/**
 * A credential begins where a word does, also right after an escape: events are masked as JSON, where the
 * newline before a key reads `\n`, and its `n` would make one word with the key. This is looked at after
 * the prefix, so that the engine can search for the prefix's letters. What a shape goes on with is read by
 * hand: the engine would remember a place to go back to for each character.
 */
function shapeOf(prefix: string, rest: string, more = ''): Shape {
  const atStart = String.raw`(?<=(?:\b|\\[bfnrt]|\\u[0-9A-Fa-f]{4})${prefix})`;
  return { beginning: new RegExp(prefix + atStart + rest, 'g'), goesOn: characterSet(more) };
}

/** By code; what is beyond ASCII is in none. */
type CharacterSet = Uint8Array;

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function characterSet(characters: string): CharacterSet {
  const set = new Uint8Array(128);
  for (const character of characters) set[character.charCodeAt(0)] = 1;
  return set;
}

function endOfSet(text: string, start: number, set: CharacterSet): number {
  let end = start;
  while (set[text.charCodeAt(end)] === 1) end += 1;
  return end;
}

const DASHED = `${ALPHANUMERIC}_-`;

/**
 * Shapes of credentials, each behind a substring that must be there first: most texts hold none, and an
 * `includes` costs a fraction of a regular expression. A hint begins with a letter that is rare in prose,
 * which is what the engine looks for. No pattern can backtrack more than linearly.
 */
const CREDENTIALS: readonly { hint: string; shape: Shape }[] = [
  // OpenAI, Anthropic, OpenRouter and others: sk-…, sk-proj-…, sk-ant-…
  { hint: 'k-', shape: shapeOf('sk-', '[A-Za-z0-9_-]{16}', DASHED) },
  { hint: '_live_', shape: shapeOf('[prs]k_live_', '[A-Za-z0-9]{16}', ALPHANUMERIC) },
  { hint: '_pat_', shape: shapeOf('github_pat_', '[A-Za-z0-9_]{22}', `${ALPHANUMERIC}_`) },
  { hint: 'AIza', shape: shapeOf('AIza', '[A-Za-z0-9_-]{35}') },
  { hint: 'AKIA', shape: shapeOf('AKIA', String.raw`[A-Z0-9]{16}\b`) },
  { hint: 'xox', shape: shapeOf('xox[abposr]-', '[A-Za-z0-9-]{10}', `${ALPHANUMERIC}-`) },
  ...['Bearer ', 'bearer '].map((hint) => ({
    hint,
    shape: shapeOf(hint, '[A-Za-z0-9._~+/=-]{16}', `${ALPHANUMERIC}._~+/=-`),
  })),
];

/** Prefixes that end in an underscore: GitHub's, Groq's, Hugging Face's, our collector's. */
const UNDERSCORED: readonly Shape[] = [
  shapeOf('gh[pousr]_', '[A-Za-z0-9]{36}', ALPHANUMERIC),
  shapeOf('gsk_', '[A-Za-z0-9]{32}', ALPHANUMERIC),
  shapeOf('hf_', '[A-Za-z0-9]{30}', ALPHANUMERIC),
  shapeOf('phk_', '[A-Za-z0-9_-]{32}', DASHED),
];
const BEFORE_UNDERSCORE = /(?:gh[pousr]|gsk|hf|phk)$/;
const ENDS_OF_PREFIXES: readonly number[] = [...'pousrkf'].map((end) => end.charCodeAt(0));

/** Underscores are rare, the letters before them are not: so the search goes from one to the next. */
function hasUnderscoredPrefix(text: string): boolean {
  for (let at = text.indexOf('_'); at >= 0; at = text.indexOf('_', at + 1)) {
    if (!ENDS_OF_PREFIXES.includes(text.charCodeAt(at - 1))) continue;
    if (BEFORE_UNDERSCORE.test(text.slice(Math.max(0, at - 3), at))) return true;
  }
  return false;
}

/** A JWT's first part; `eyJ` begins each of its JSON objects. */
const TOKEN = shapeOf('eyJ', '[A-Za-z0-9_-]{8}', DASHED);
const SECOND_PART = /\.eyJ[A-Za-z0-9_-]{8}/y;

/** Behind a JWT, of which the first part ends here; -1: it goes on otherwise. */
function endOfToken(text: string, firstEnd: number): number {
  SECOND_PART.lastIndex = firstEnd;
  if (!SECOND_PART.test(text)) return -1;
  const secondEnd = endOfSet(text, SECOND_PART.lastIndex, TOKEN.goesOn);
  if (text.charAt(secondEnd) !== '.') return -1;
  const end = endOfSet(text, secondEnd + 1, TOKEN.goesOn);
  return end > secondEnd + 1 ? end : -1;
}

/**
 * Replaces what is of a shape, or of what a shape begins. What only begins so is passed over whole: else each
 * of its parts would be tried as a beginning, and a text of `eyJ-eyJ-…` would take quadratic time.
 */
function maskShape(
  text: string,
  { beginning, goesOn }: Shape,
  endOfWhole: (text: string, end: number) => number = (_text, end) => end,
): string {
  const result = new Replacement(text);
  beginning.lastIndex = 0;
  for (let match = beginning.exec(text); match !== null; match = beginning.exec(text)) {
    const end = endOfSet(text, beginning.lastIndex, goesOn);
    const wholeEnd = endOfWhole(text, end);
    if (wholeEnd > 0) result.put(match.index, wholeEnd, '[credential]');
    beginning.lastIndex = Math.max(end, wholeEnd);
  }
  return result.text;
}

const KEY_BEGIN = '-----BEGIN ';
const KEY_END = '-----END ';
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;

/** Replaces credential shapes: provider keys, bearer tokens, JWTs, private keys. Always on. */
export function maskCredentials(text: string): string {
  let masked = text;
  for (const { hint, shape } of CREDENTIALS) {
    if (masked.includes(hint)) masked = maskShape(masked, shape);
  }
  if (hasUnderscoredPrefix(masked)) {
    for (const shape of UNDERSCORED) masked = maskShape(masked, shape);
  }
  if (masked.includes('yJ')) masked = maskShape(masked, TOKEN, endOfToken);
  return masked.includes('PRIVATE KEY') && PRIVATE_KEY.test(masked)
    ? maskKeysWithin(masked)
    : masked;
}

/** A key that was cut off ends where its text does: in an event, that is not the end of the JSON. */
function maskKeysWithin(text: string): string {
  if (!text.startsWith('{')) return maskPrivateKeys(text);
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch {
    return maskPrivateKeys(text);
  }
  return JSON.stringify(mapStrings(event, maskPrivateKeys));
}

/** PEM private keys, also ones that were cut off; certificates and public keys stay. */
function maskPrivateKeys(text: string): string {
  let result = '';
  let from = 0;
  for (let begin = text.indexOf(KEY_BEGIN); begin >= 0; begin = text.indexOf(KEY_BEGIN, from)) {
    if (PRIVATE_KEY.exec(text.slice(begin, begin + 70))?.index !== 0) {
      result += text.slice(from, begin + KEY_BEGIN.length);
      from = begin + KEY_BEGIN.length;
      continue;
    }
    const end = text.indexOf(KEY_END, begin);
    const stop = end < 0 ? text.length : endOfDashes(text, end + KEY_END.length);
    result += `${text.slice(from, begin)}[private key]`;
    from = stop;
  }
  return result + text.slice(from);
}

function endOfDashes(text: string, from: number): number {
  const dashes = text.indexOf('-----', from);
  return dashes < 0 ? text.length : dashes + 5;
}

/** All masks, in order. Throws what a mask throws, and where one gives no string. */
export function maskAll(text: string, masks: readonly Mask[]): string {
  let masked = text;
  for (const mask of masks) masked = maskText(masked, mask);
  return masked;
}

/** Throws what the mask throws, and where it gives no string. */
export function maskText(text: string, mask: Mask): string {
  const masked: unknown = mask(text);
  if (typeof masked === 'string') return masked;
  if (!isThenable(masked)) {
    throw new TypeError(`a mask must return a string, got ${typeof masked}`);
  }
  // Nobody else will handle its rejection, which would end the process.
  masked.then(undefined, () => {});
  throw new TypeError('a mask must return a string, got a promise: it cannot be asynchronous');
}
