import { userInfo } from 'node:os';
import { keyId } from '../model/api-key.ts';
import type { StoredKey } from '../store/store.ts';

/** Whoever administers, as the audit names them. */
export const ADMIN_TOKEN = 'admin token';
export const DASHBOARD_TOKEN = 'dashboard token';

export function theKey(key: Pick<StoredKey, 'hash'>): string {
  return `key ${keyId(key)}`;
}

/** Whoever runs `phospho-express collector …` over a database. */
export function theCommandLine(): string {
  return `command line (${osUser()})`;
}

/** A collector that starts, for what its options make it do. */
export function theStart(): string {
  return `start (${osUser()})`;
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // In a container, a user may have a number only.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
