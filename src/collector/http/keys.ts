import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { DEFAULT_SCOPES } from '../model/scopes.ts';
import { unixNow } from '../store/clock.ts';
import type { ProjectStore, StoredKey } from '../store/store.ts';

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
  return `key_${hash.slice(0, 16)}`;
}

/** The stored key that a presented one is, if any. */
export async function recogniseKey(
  projects: ProjectStore,
  apiKey: string,
): Promise<StoredKey | undefined> {
  const hash = hashOf(apiKey);
  const found = await projects.findKey(hash);
  if (found === undefined || (found.expiresAt !== null && found.expiresAt <= unixNow()))
    return undefined;
  return timingSafeEqual(Buffer.from(found.hash, 'hex'), Buffer.from(hash, 'hex'))
    ? found
    : undefined;
}

function hashOf(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex');
}
