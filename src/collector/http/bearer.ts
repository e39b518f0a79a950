import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request } from 'express';

/** With a 401. */
export const CHALLENGE: Readonly<Record<string, string>> = { 'www-authenticate': 'Bearer' };

/** What the Authorization header of a request brings; undefined where that is no bearer's key or token. */
export function bearerOf({ headers }: Pick<Request, 'headers'>): string | undefined {
  return /^bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}

/** Whether two secrets are the same, found out in a time that tells nothing of either. */
export function isSameSecret(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
