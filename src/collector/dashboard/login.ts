import { randomBytes } from 'node:crypto';
import type { Request, Response } from 'express';
import { isSameSecret } from '../http/bearer.ts';
import { hashOf } from '../model/api-key.ts';
import type { LoginStore } from '../store/store.ts';

/** Seconds: who looks at the dashboard once a week stays logged in no longer than that. */
const LIFE_SECONDS = 7 * 86_400;

/** A new login token: 256 random bits. */
export function makeLoginToken(): string {
  return randomBytes(32).toString('base64url');
}

/**
 * Who may see the dashboard: whoever has brought the login token holds a cookie, whose hash is in the database.
 * So a restart logs nobody out, though it makes a new token.
 */
export class Logins {
  readonly #token: string;
  readonly #store: LoginStore;

  constructor(token: string, store: LoginStore) {
    this.#token = token;
    this.#store = store;
  }

  isToken(given: string): boolean {
    return isSameSecret(given, this.#token);
  }

  async start(req: Request, res: Response): Promise<void> {
    const secret = makeLoginToken();
    const expiresAt = Math.floor(Date.now() / 1000) + LIFE_SECONDS;
    await this.#store.add(hashOf(secret), expiresAt);
    setCookie(req, res, secret, LIFE_SECONDS);
  }

  async isLoggedIn(req: Request): Promise<boolean> {
    const secret = secretIn(req);
    return secret !== undefined && this.#store.has(hashOf(secret));
  }

  async end(req: Request, res: Response): Promise<void> {
    const secret = secretIn(req);
    if (secret !== undefined) await this.#store.remove(hashOf(secret));
    setCookie(req, res, '', 0);
  }
}

/** Whether two requests brought the same cookie. */
export function isSameLogin(one: Request, other: Request): boolean {
  const secret = secretIn(one);
  return secret !== undefined && secret === secretIn(other);
}

/**
 * Cookies ignore the port: without it in their name, two collectors on one machine would log each other out. Over
 * HTTPS the name begins so that browsers take it from this host over HTTPS alone (`__Host-`), which needs the path
 * `/`; in another app, whose other paths it is not for, the lesser `__Secure-`.
 */
function cookieOf(req: Request): { name: string; path: string } {
  // The check of the API is mounted one step lower than its routes.
  const below = `${req.baseUrl.replace(/\/api$/i, '')}/`;
  const name = `phospho_dashboard_${req.socket.localPort ?? ''}`;
  if (!req.secure) return { name, path: below };
  return below === OWN_PATH
    ? { name: `__Host-${name}`, path: '/' }
    : { name: `__Secure-${name}`, path: below };
}

/** Of a collector that is an app of its own. */
const OWN_PATH = '/dashboard/';

function setCookie(req: Request, res: Response, value: string, maxAgeSeconds: number): void {
  const { name, path } = cookieOf(req);
  res.cookie(name, value, {
    httpOnly: true,
    sameSite: 'strict',
    secure: req.secure,
    path,
    maxAge: maxAgeSeconds * 1000,
  });
}

function secretIn(req: Request): string | undefined {
  const start = `${cookieOf(req).name}=`;
  return req.headers.cookie
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(start))
    ?.slice(start.length);
}
