/** Replaces what must not leave. Called off the request's path, on every string that is sent. */
export type Mask = (text: string) => string;

/**
 * A credential begins where a word does, also right after an escape: events are masked as JSON, where the
 * newline before a key reads `\n`, and its `n` would make one word with the key. This is looked at after
 * the prefix, so that the engine can search for the prefix's letters.
 */
function shapeOf(prefix: string, rest: string): RegExp {
  const atStart = String.raw`(?<=(?:\b|\\[bfnrt]|\\u[0-9A-Fa-f]{4})${prefix})`;
  return new RegExp(prefix + atStart + rest, 'g');
}

/**
 * Shapes of credentials, each behind a substring that must be there first: most texts hold none, and an
 * `includes` costs a fraction of a regular expression. A hint begins with a letter that is rare in prose,
 * which is what the engine looks for. No pattern can backtrack more than linearly.
 */
const CREDENTIALS: readonly { hint: string; shape: RegExp }[] = [
  // OpenAI, Anthropic, OpenRouter and others: sk-…, sk-proj-…, sk-ant-…
  { hint: 'k-', shape: shapeOf('sk-', '[A-Za-z0-9_-]{16,}') },
  { hint: '_live_', shape: shapeOf('[prs]k_live_', '[A-Za-z0-9]{16,}') },
  { hint: '_pat_', shape: shapeOf('github_pat_', '[A-Za-z0-9_]{22,}') },
  { hint: 'AIza', shape: shapeOf('AIza', '[A-Za-z0-9_-]{35}') },
  { hint: 'AKIA', shape: shapeOf('AKIA', String.raw`[A-Z0-9]{16}\b`) },
  { hint: 'xox', shape: shapeOf('xox[abposr]-', '[A-Za-z0-9-]{10,}') },
  { hint: 'Bearer ', shape: shapeOf('Bearer ', '[A-Za-z0-9._~+/=-]{16,}') },
  { hint: 'bearer ', shape: shapeOf('bearer ', '[A-Za-z0-9._~+/=-]{16,}') },
];

/** Prefixes that end in an underscore: GitHub's, Groq's, Hugging Face's, our collector's. */
const UNDERSCORED: readonly RegExp[] = [
  shapeOf('gh[pousr]_', '[A-Za-z0-9]{36,}'),
  shapeOf('gsk_', '[A-Za-z0-9]{32,}'),
  shapeOf('hf_', '[A-Za-z0-9]{30,}'),
  shapeOf('phk_', '[A-Za-z0-9_-]{32,}'),
];
const BEFORE_UNDERSCORE = /(?:gh[pousr]|gsk|hf|phk)$/;

/** Underscores are rare, the letters before them are not: so the search goes from one to the next. */
function hasUnderscoredPrefix(text: string): boolean {
  for (let at = text.indexOf('_'); at >= 0; at = text.indexOf('_', at + 1)) {
    if (BEFORE_UNDERSCORE.test(text.slice(Math.max(0, at - 3), at))) return true;
  }
  return false;
}

/**
 * JWTs. What only begins like one is matched too, and left as it is: else each of its parts would be tried
 * as a beginning, and a text of `eyJ-eyJ-…` would take quadratic time.
 */
const TOKEN = shapeOf(
  'eyJ',
  String.raw`[A-Za-z0-9_-]{8,}(\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+)?`,
);

const KEY_BEGIN = '-----BEGIN ';
const KEY_END = '-----END ';
const PRIVATE_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY/;

/** Replaces credential shapes: provider keys, bearer tokens, JWTs, private keys. Always on. */
export function maskCredentials(text: string): string {
  let masked = text;
  for (const { hint, shape } of CREDENTIALS) {
    if (masked.includes(hint)) masked = masked.replace(shape, '[credential]');
  }
  if (hasUnderscoredPrefix(masked)) {
    for (const shape of UNDERSCORED) masked = masked.replace(shape, '[credential]');
  }
  if (masked.includes('yJ')) {
    masked = masked.replace(TOKEN, (match, rest) => (rest === undefined ? match : '[credential]'));
  }
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
  return JSON.stringify(maskDeep(event, maskPrivateKeys));
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

/** Applies a mask to every string of a plain JSON value, keys included; throws what the mask throws. */
export function maskDeep(value: unknown, mask: Mask): unknown {
  if (typeof value === 'string') return checked(mask(value));
  if (Array.isArray(value)) return value.map((entry) => maskDeep(entry, mask));
  if (typeof value !== 'object' || value === null) return value;
  const result: { [key: string]: unknown } = Object.create(null);
  for (const [key, inner] of Object.entries(value)) {
    result[checked(mask(key))] = maskDeep(inner, mask);
  }
  return result;
}

function checked(masked: unknown): string {
  if (typeof masked === 'string') return masked;
  throw new TypeError(`a mask must return a string, got ${typeof masked}`);
}
