import {
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** Milliseconds a token lives unless told otherwise: a conversation is rated on the day it happened. */
export const DEFAULT_TOKEN_LIFE_MS: number = 24 * 60 * 60 * 1000;

/** Fewer characters than this can be guessed. */
export const MIN_SECRET_LENGTH = 32;

export type TokenCheck =
  | { ok: true; taskId: string }
  | { ok: false; code: 'token_invalid' | 'token_expired' };

interface SigningKey {
  id: string;
  /** Node 24 takes ten times as long with the bytes. */
  key: KeyObject;
}

/**
 * Signs and checks feedback tokens: `v1.<key id>.<expiry>.<task id>.<mac>`, where the expiry is in UNIX
 * seconds (base 36), the task id in base64url, and the MAC is HMAC-SHA-256 over all that stands before it
 * and the binding. Any replica with the same secret checks a token offline. The first secret signs, all
 * of them check, so that one can be rotated out.
 */
export class FeedbackTokens {
  readonly #keys: readonly SigningKey[];

  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map(deriveKey);
  }

  /** A random secret: good for this process alone. */
  static randomSecret(): string {
    return randomBytes(32).toString('base64url');
  }

  sign(taskId: string, options: { expiresInMs?: number; bind?: string | undefined } = {}): string {
    const { expiresInMs = DEFAULT_TOKEN_LIFE_MS, bind } = options;
    const expiry = Math.floor((Date.now() + expiresInMs) / 1000);
    const [key] = this.#keys;
    if (key === undefined) throw new Error('FeedbackTokens has no secret');
    return encode(key, expiry, taskId, bind);
  }

  /** Checks everything but whether the task is the one asked about. */
  check(token: string, options: { bind?: string | undefined } = {}): TokenCheck {
    const parts = token.split('.');
    const [version, keyId, expiryText = '', taskText = ''] = parts;
    const key = this.#keys.find(({ id }) => id === keyId);
    if (parts.length !== 5 || version !== 'v1' || key === undefined) return INVALID;
    const expiry = Number.parseInt(expiryText, 36);
    if (!Number.isSafeInteger(expiry)) return INVALID;
    const taskId = Buffer.from(taskText, 'base64url').toString('utf8');
    // The whole token is made again and compared: an encoding that is not canonical differs somewhere.
    if (!equal(encode(key, expiry, taskId, options.bind), token)) return INVALID;
    if (expiry * 1000 <= Date.now()) return { ok: false, code: 'token_expired' };
    return { ok: true, taskId };
  }
}

const INVALID: TokenCheck = { ok: false, code: 'token_invalid' };

function deriveKey(secret: string): SigningKey {
  const bytes = Buffer.from(
    hkdfSync('sha256', secret, '', 'phospho-express feedback token v1', 32),
  );
  // Public: tells the keys of a rotation apart, and nothing about the secret.
  const id = createHash('sha256').update('id').update(bytes).digest('base64url').slice(0, 6);
  return { id, key: createSecretKey(bytes) };
}

function encode(
  { id, key }: SigningKey,
  expiry: number,
  taskId: string,
  bind: string | undefined,
): string {
  const body = `v1.${id}.${expiry.toString(36)}.${Buffer.from(taskId, 'utf8').toString('base64url')}`;
  // The body has four dots and no NUL: where it ends and the binding begins is never in doubt.
  const mac = createHmac('sha256', key)
    .update(`${body}\0${bind ?? ''}`)
    .digest('base64url');
  return `${body}.${mac}`;
}

function equal(expected: string, given: string): boolean {
  const a = Buffer.from(expected);
  const b = Buffer.from(given);
  return a.length === b.length && timingSafeEqual(a, b);
}
