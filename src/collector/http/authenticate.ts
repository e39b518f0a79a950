import type { Request, Response } from 'express';
import type { Scope } from '../model/scopes.ts';
import type { Context } from '../routes/route.ts';
import type { KeyRecord, KeyStore, StoredKey } from '../store/store.ts';
import { bearerOf, CHALLENGE } from './bearer.ts';
import { HttpError } from './http-error.ts';
import { recogniseKey } from './keys.ts';
import { noteProject } from './observe.ts';

/**
 * The key of a request's Authorization header.
 *
 * @returns undefined where the request brings none
 * @throws HttpError 401 where it brings one that is not valid
 */
export async function keyOf(
  req: Request,
  keys: Pick<KeyStore, 'find'>,
): Promise<KeyRecord | undefined> {
  if (req.headers.authorization === undefined) return undefined;
  const apiKey = bearerOf(req);
  const key = apiKey === undefined ? undefined : await recogniseKey(keys, apiKey);
  if (key === undefined) throw new HttpError(401, 'Invalid API key', CHALLENGE);
  return key;
}

/** For the request's log line, and for the list of keys. */
export function noteUse(
  { keyUses }: Pick<Context, 'keyUses'>,
  key: StoredKey,
  res: Response,
): void {
  noteProject(res, key.projectId);
  keyUses.note(key);
}

/** The refusal of a request that needs a key and brings none. */
export function keyMissing(): HttpError {
  return new HttpError(
    401,
    'Missing API key. Send the header "Authorization: Bearer <api key>".',
    CHALLENGE,
  );
}

/** @throws HttpError 403 where the key is not of this project */
export function assertProject(key: StoredKey, projectId: string): void {
  if (key.projectId !== projectId) {
    throw new HttpError(403, 'This API key is not allowed on that project');
  }
}

/** @throws HttpError 403 where the key has not this scope */
export function assertScope(key: StoredKey, scope: Scope): void {
  if (!key.scopes.includes(scope)) {
    throw new HttpError(
      403,
      `This API key lacks the scope "${scope}"; it has ${key.scopes.map((own) => `"${own}"`).join(', ')}`,
    );
  }
}
