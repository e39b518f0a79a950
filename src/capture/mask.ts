/** Replaces what must not leave. Called off the request's path, on every string that is sent. */
export type Mask = (text: string) => string;

/**
 * Shapes of credentials, each behind a substring that must be there first: most texts hold none, and an
 * `includes` costs a fraction of a regular expression. No pattern can backtrack more than linearly.
 */
const CREDENTIALS: readonly { hint: string; shape: RegExp }[] = [
  // OpenAI, Anthropic, OpenRouter and others: sk-…, sk-proj-…, sk-ant-…
  { hint: 'sk-', shape: /\bsk-[A-Za-z0-9_-]{16,}/g },
  { hint: '_live_', shape: /\b[prs]k_live_[A-Za-z0-9]{16,}/g },
  { hint: 'AIza', shape: /\bAIza[A-Za-z0-9_-]{35}/g },
  { hint: 'AKIA', shape: /\bAKIA[A-Z0-9]{16}\b/g },
  { hint: 'gh', shape: /\bgh[pousr]_[A-Za-z0-9]{36,}/g },
  { hint: 'github_pat_', shape: /\bgithub_pat_[A-Za-z0-9_]{22,}/g },
  { hint: 'xox', shape: /\bxox[abposr]-[A-Za-z0-9-]{10,}/g },
  { hint: 'gsk_', shape: /\bgsk_[A-Za-z0-9]{32,}/g },
  { hint: 'hf_', shape: /\bhf_[A-Za-z0-9]{30,}/g },
  { hint: 'phk_', shape: /\bphk_[A-Za-z0-9_-]{32,}/g },
  { hint: 'eyJ', shape: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/g },
  { hint: 'earer ', shape: /\b[Bb]earer [A-Za-z0-9._~+/=-]{16,}/g },
];

const KEY_BEGIN = '-----BEGIN ';
const KEY_END = '-----END ';

/** Replaces credential shapes: provider keys, bearer tokens, JWTs, private keys. Always on. */
export function maskCredentials(text: string): string {
  let masked = text;
  for (const { hint, shape } of CREDENTIALS) {
    if (masked.includes(hint)) masked = masked.replace(shape, '[credential]');
  }
  return masked.includes(KEY_BEGIN) ? maskPrivateKeys(masked) : masked;
}

/** PEM private keys, also ones that were cut off; certificates and public keys stay. */
function maskPrivateKeys(text: string): string {
  let result = '';
  let from = 0;
  for (let begin = text.indexOf(KEY_BEGIN); begin >= 0; begin = text.indexOf(KEY_BEGIN, from)) {
    const label = text.slice(begin, begin + 60);
    if (!label.includes('PRIVATE KEY-----')) {
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
