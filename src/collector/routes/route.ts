import type { TaskWaiters } from '../model/task-waiters.ts';
import type { Store, StoredKey } from '../store/store.ts';

/** What every route works with. */
export interface Context {
  store: Store;
  waiters: TaskWaiters;
  /** Whether a flag needs no key, provided it names its task's project. */
  publicFlags: boolean;
}

/** A request, as far as a route may look at it. */
export interface OpenCall extends Context {
  params: Record<string, string>;
  query: unknown;
}

export interface PublicCall extends OpenCall {
  /** Absent only with `publicFlags`. */
  key: StoredKey | undefined;
  body: unknown;
  /** Aborts when the caller has hung up. */
  gone: AbortSignal;
}

export interface KeyedCall extends PublicCall {
  /** Where the path names a project, it is the key's. */
  key: StoredKey;
}

/**
 * A route as data: what it answers with 200, or an HttpError that it throws. Paths are below `/v2`; a
 * trailing slash is tolerated.
 */
export type Route = { method: 'GET' | 'POST'; path: string } & (
  | { access: 'open'; handle(call: OpenCall): Promise<unknown> }
  | { access: 'key'; handle(call: KeyedCall): Promise<unknown> }
  | { access: 'key-or-public'; handle(call: PublicCall): Promise<unknown> }
);

/** A route for holders of a key. */
export function keyed(
  method: 'GET' | 'POST',
  path: string,
  handle: (call: KeyedCall) => Promise<unknown>,
): Route {
  return { method, path, access: 'key', handle };
}

/** The parameter of a path, which the path has. */
export function param(call: OpenCall, name: string): string {
  return call.params[name] ?? '';
}
