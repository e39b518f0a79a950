import type { ClientConfig, PoolConfig } from 'pg';
import type { PostgresDatabase } from '../database.ts';
import type { Pg } from './load-pg.ts';

/** Milliseconds for a connection, or for one of the pool to become free: the caller is told to come again. */
const CONNECT_MS = 5_000;
/** Milliseconds after which the server gives up a statement, a wait for a lock, and a transaction that does nothing. */
const LIMITS = {
  statement_timeout: 30_000,
  lock_timeout: 5_000,
  idle_in_transaction_session_timeout: 30_000,
} as const;
/** Milliseconds: the server's own limit has passed, so it is the network that is silent. */
const SILENCE_MS = 40_000;
/** Milliseconds that a connection of the pool is kept unused. */
const IDLE_MS = 30_000;

/** PostgreSQL's type int8: ours are counts and times, all below 2^53. */
const INT8 = 20;

export function clientConfig({ Client: _, types }: Pg, url: string): ClientConfig {
  return {
    connectionString: url,
    application_name: 'phospho-express collector',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: SILENCE_MS,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format?: 'text') =>
        oid === INT8 ? Number : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
    },
  };
}

export function poolConfig(pg: Pg, { url, poolSize }: PostgresDatabase): PoolConfig {
  return {
    ...clientConfig(pg, url),
    max: poolSize,
    idleTimeoutMillis: IDLE_MS,
    // An app that mounts a collector may end without closing it.
    allowExitOnIdle: true,
  };
}

/** The settings that bound what a statement may take. */
export const LIMITED: string[] = Object.keys(LIMITS);

/** As a statement, since PgBouncer refuses these as parameters of a new connection. */
export const SET_LIMITS: string = Object.entries(LIMITS)
  .map(([name, value]) => `set ${name} = ${value}`)
  .join('; ');
