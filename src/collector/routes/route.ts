import type * as z from 'zod';
import type { Judge } from '../judge/judge.ts';
import type { Limits } from '../limits/limits.ts';
import type { Meter } from '../metrics/meter.ts';
import type { KeyUses } from '../model/key-uses.ts';
import type { Scope } from '../model/scopes.ts';
import type { TaskWaiters } from '../model/task-waiters.ts';
import type { Store, StoredKey } from '../store/store.ts';
import type { Upkeep } from '../upkeep/upkeep.ts';

/** What every route works with. */
export interface Context {
  store: Store;
  waiters: TaskWaiters;
  /** Whether a flag needs no key, provided it names its task's project. */
  publicFlags: boolean;
  /** Absent where none is configured. */
  judge: Judge | undefined;
  meter: Meter;
  keyUses: KeyUses;
  /** Whoever brings it administers all projects. */
  adminToken: string | undefined;
  limits: Limits;
  upkeep: Pick<Upkeep, 'removed'>;
}

/** A request, as far as a route may look at it. */
export interface OpenCall extends Context {
  params: Record<string, string>;
  /** Where in a host's app the collector is mounted; '' at the root. */
  mountedAt: string;
}

export interface PublicCall<Query = unknown, Body = unknown> extends OpenCall {
  query: Query;
  /** What of the body its schema knows. */
  body: Body;
  /** All of the body. */
  wholeBody: unknown;
  /** Absent only with `publicFlags`. */
  key: StoredKey | undefined;
  /** Aborts when the caller has hung up. */
  gone: AbortSignal;
}

export interface KeyedCall<Query = unknown, Body = unknown> extends PublicCall<Query, Body> {
  /** Where the path names a project, it is the key's. */
  key: StoredKey;
}

/** A request of whoever may administer what the path names. */
export interface AdminCall<Query = unknown, Body = unknown>
  extends Omit<PublicCall<Query, Body>, 'key'> {
  /** The path's, which there is; '' where it names none. */
  projectId: string;
  /** Who it is, as the audit names them: to be given to whatever stores the act. */
  actor: string;
}

/** What the OpenAPI document says of a route. */
interface Described {
  method: 'GET' | 'POST' | 'DELETE';
  /** Below each of `roots`; a trailing slash is tolerated. */
  path: string;
  /** @defaultValue ['/v2'] */
  roots?: readonly ('' | '/v2')[];
  tag: 'Log' | 'Tasks' | 'Sessions' | 'Projects' | 'Tests' | 'Judge' | 'Administration' | 'Service';
  summary: string;
  description?: string;
  /** The errors beside those that every route of its kind may answer. */
  errors?: readonly (400 | 404 | 409 | 501)[];
  /** A body that may be sent as it is. */
  example?: object;
  /** Of a route that stores events: how many a body brings. */
  countEvents?(body: unknown): number;
  /** Throws the HttpError of a collector that cannot answer this at all, before the body is read. */
  assertReady?(context: Context): void;
}

interface Shapes<Query, Body, Answer> {
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** How deeply a body's parts are nested is checked apart, where one of them must not spoil the others. */
  checksDepth?: true;
  /** Of what it answers with 200. */
  answer: z.ZodType<Answer>;
}

/**
 * A route as data: what it takes and answers, in schemas that check requests and make the OpenAPI document. It
 * answers with 200, or throws an HttpError.
 */
export type Route = Described &
  Shapes<unknown, unknown, unknown> &
  (
    | { access: 'open'; handle(call: OpenCall): Promise<unknown> }
    | { access: 'key'; scope: Scope; handle(call: KeyedCall): Promise<unknown> }
    | { access: 'key-or-public'; scope: Scope; handle(call: PublicCall): Promise<unknown> }
    | { access: 'admin'; handle(call: AdminCall): Promise<unknown> }
  );

/** A route for everybody. */
export function open<Answer>(
  route: Described &
    Shapes<undefined, undefined, Answer> & { handle(call: OpenCall): Promise<Answer> },
): Route {
  return { ...route, access: 'open' };
}

/** A route for holders of a key. */
export function keyed<Answer, Query = undefined, Body = undefined>(
  route: Described &
    Shapes<Query, Body, Answer> & {
      /** What the key must be allowed to do. */
      scope: Scope;
      handle(call: KeyedCall<Query, Body>): Promise<Answer>;
    },
): Route {
  return { ...route, access: 'key' };
}

/** A route for holders of a key and, with `publicFlags`, for others. */
export function keyedOrPublic<Answer, Query = undefined, Body = undefined>(
  route: Described &
    Shapes<Query, Body, Answer> & {
      scope: Scope;
      handle(call: PublicCall<Query, Body>): Promise<Answer>;
    },
): Route {
  return { ...route, access: 'key-or-public' };
}

/**
 * A route for holders of the admin token and, where its path names a project, of a key of that project with the
 * scope `admin`.
 */
export function administered<Answer, Query = undefined, Body = undefined>(
  route: Described &
    Shapes<Query, Body, Answer> & { handle(call: AdminCall<Query, Body>): Promise<Answer> },
): Route {
  return { ...route, access: 'admin' };
}

/** The parameter of a path, which the path has. */
export function param(call: OpenCall, name: string): string {
  return call.params[name] ?? '';
}
