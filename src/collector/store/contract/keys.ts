import type { Scope } from '../../model/scopes.ts';

export interface StoredKey {
  projectId: string;
  /** SHA-256 in hex. */
  hash: string;
  last4: string;
  name: string;
  scopes: readonly Scope[];
  /** UNIX seconds; null: never. */
  expiresAt: number | null;
}

/** A key with what has become of it. Times are UNIX seconds. */
export interface KeyRecord extends StoredKey {
  createdAt: number;
  /** Up to a minute late; null: never. */
  lastUsedAt: number | null;
  revokedAt: number | null;
  /** The hash of the key that was made in its place. */
  replacedBy: string | null;
  /** Whether a collector's start made it, or was given it. */
  isOfStart: boolean;
}

export interface KeyStore {
  /** Whatever has become of it. */
  find(hash: string): Promise<KeyRecord | undefined>;
  /** All that are not revoked, oldest first; without those that expired more than 30 days ago. */
  list(projectId: string): Promise<KeyRecord[]>;
  add(key: StoredKey, actor: string): Promise<KeyRecord | 'no project' | 'too many'>;
  /**
   * Puts another key in the place of one: with its name, its scopes and, unless told otherwise, its time to live.
   * The old one works for the grace, or as long as it would have.
   */
  rotate(projectId: string, keyId: string, rotation: Rotation): Promise<Rotated | NotRotated>;
  /** @returns undefined where there is none of that id, or it is revoked already */
  revoke(projectId: string, keyId: string, actor: string): Promise<KeyRecord | undefined>;
  /** Sees to the key of a collector's start, and to its project. */
  settle(wish: StartKey): Promise<'kept' | KeyRecord>;
  /** Notes when keys were used last: UNIX seconds by hash. */
  used(times: ReadonlyMap<string, number>): Promise<void>;
}

export interface Rotation {
  /** Of the new key. */
  hash: string;
  last4: string;
  /** Default: as long from now on as the old key had from its beginning. */
  expiresAt?: number | null | undefined;
  /** How long the old key still works; 0 revokes it at once. */
  graceMs: number;
  actor: string;
}

export interface Rotated {
  key: KeyRecord;
  old: KeyRecord;
}

export type NotRotated = 'unknown' | 'expired' | 'too many' | { replacedBy: string };

/** The key of a collector's start. It takes the place of those of earlier starts, and of no other. */
export interface StartKey {
  key: StoredKey;
  /** Whether a project that has a key that works keeps what it has. */
  ifNone: boolean;
  actor: string;
}
