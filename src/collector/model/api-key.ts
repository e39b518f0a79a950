import { createHash, randomBytes } from 'node:crypto';
import type { StoredKey } from '../store/store.ts';
import { DEFAULT_SCOPES } from './scopes.ts';

/** A new API key: `phk_` and 256 random bits. */
export function makeApiKey(): string {
  return `phk_${randomBytes(32).toString('base64url')}`;
}

/** What is stored of a key. A key has too many bits to be guessed from its hash, so no salt or slow hash is needed. */
export function storedKey(
  projectId: string,
  apiKey: string,
  { name = '', scopes = DEFAULT_SCOPES, expiresAt = null }: Partial<StoredKey> = {},
): StoredKey {
  return { projectId, hash: hashOf(apiKey), last4: apiKey.slice(-4), name, scopes, expiresAt };
}

/** What a key is called by: a part of its hash, which tells nothing of the key. */
export function keyId({ hash }: Pick<StoredKey, 'hash'>): string {
  return `key_${hash.slice(0, ID_LENGTH)}`;
}

const ID_LENGTH = 16;
const ID = /^key_([0-9a-f]{16})$/;

/** How the hash of a key of that id begins; undefined where no key has such an id. */
export function hashStart(id: string): string | undefined {
  return ID.exec(id)?.[1];
}

export function hashOf(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}
