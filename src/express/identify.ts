import { createHash } from 'node:crypto';
import type { AppRequest } from './types.ts';

/** Names under which apps send the id of a conversation, in body and query. */
const SESSION_KEYS = ['session_id', 'sessionId', 'conversationId', 'chatId', 'thread_id'] as const;
const SESSION_HEADERS = [
  'x-session-id',
  'session_id',
  'sessionid',
  'conversationid',
  'chatid',
  'thread_id',
] as const;
const MAX_ID_LENGTH = 256;

/** The session that a body names. */
export function sessionIn(body: unknown): string | undefined {
  return quietly(() => firstId(body, SESSION_KEYS));
}

/** The session, where the body names none: headers, then query, at last express-session. */
export function findSession(req: AppRequest): string | undefined {
  return (
    firstId(req.headers, SESSION_HEADERS) ??
    quietly(() => firstId(queryOf(req), SESSION_KEYS)) ??
    quietly(() => hashedExpressSession(req))
  );
}

/** The user: what passport and its like put into `req.user`, and express-jwt into `req.auth`. */
export function findUser(req: AppRequest): string | undefined {
  return quietly(() => idOf(Object(req.user).id)) ?? quietly(() => idOf(Object(req.auth).sub));
}

/** Express' parsed query where there is one; bare `node:http` has the URL alone. */
export function queryOf(req: AppRequest): object {
  const query = quietly(() => req.query);
  if (typeof query === 'object' && query !== null) return query;
  const url = req.url ?? '';
  const at = url.indexOf('?');
  return at < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(at + 1)));
}

/** Getters are the app's code: what throws there is as good as absent. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function firstId(source: unknown, keys: readonly string[]): string | undefined {
  if (typeof source !== 'object' || source === null) return undefined;
  for (const key of keys) {
    const id = idOf((source as { [key: string]: unknown })[key]);
    if (id !== undefined) return id;
  }
  return undefined;
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string' || value === '' || value.length > MAX_ID_LENGTH) return undefined;
  return value;
}

/** express-session's id opens the session to whoever has it, so only its hash travels. */
function hashedExpressSession(req: AppRequest): string | undefined {
  if (typeof req.sessionID !== 'string' || req.session === undefined) return undefined;
  const hash = createHash('sha256').update(req.sessionID).digest('hex');
  return `session_${hash.slice(0, 32)}`;
}
