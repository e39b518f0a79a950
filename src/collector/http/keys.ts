import { timingSafeEqual } from 'node:crypto';
import { hashOf } from '../model/api-key.ts';
import { unixNow } from '../store/clock.ts';
import type { KeyRecord, KeyStore } from '../store/store.ts';

/** The stored key that a presented one is, if it works. */
export async function recogniseKey(
  keys: Pick<KeyStore, 'find'>,
  apiKey: string,
): Promise<KeyRecord | undefined> {
  const hash = hashOf(apiKey);
  const found = await keys.find(hash);
  if (found === undefined || !isWorking(found)) return undefined;
  return timingSafeEqual(Buffer.from(found.hash, 'hex'), Buffer.from(hash, 'hex'))
    ? found
    : undefined;
}

/** Neither revoked nor expired. */
export function isWorking({ revokedAt, expiresAt }: KeyRecord): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > unixNow());
}
