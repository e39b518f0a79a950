import { setTimeout as delay } from 'node:timers/promises';
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { storableText } from '../storable.ts';
import { SET_LIMITS } from './connection.ts';
import { endsConnection, ofPostgres, unreachable } from './errors.ts';

/** Milliseconds for all connections to say goodbye. */
const GOODBYE_MS = 2_000;

/**
 * A pool of node-postgres as Kysely uses it. Errors of a database that is away are told apart, and a connection
 * that has failed is closed, never given to the next request.
 */
export class GuardedPool implements PostgresPool {
  readonly #pool: Pool;
  readonly #limited = new WeakSet<PoolClient>();

  constructor(pool: Pool) {
    this.#pool = pool;
    // Without a listener the end of a connection, idle or in use, would be an uncaught exception. Whoever uses it
    // hears of it by its query, and the pool makes another.
    pool.on('error', ignore);
    pool.on('connect', (client) => client.on('error', ignore));
  }

  async connect(): Promise<PostgresPoolClient> {
    let client: PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw unreachable(error);
    }
    const guarded = new GuardedClient(client);
    if (this.#limited.has(client)) return guarded;
    try {
      await guarded.query(SET_LIMITS);
    } catch (error) {
      guarded.release();
      throw error;
    }
    this.#limited.add(client);
    return guarded;
  }

  async end(): Promise<void> {
    const ended = this.#pool.end();
    // Where the network is silent nobody answers.
    await Promise.race([ended, delay(GOODBYE_MS, undefined, { ref: false })]);
  }
}

function ignore(): void {}

class GuardedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #failure: unknown;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  /** Kysely's second form, with a cursor, is not used. */
  query<R>(
    sql: unknown,
    parameters: readonly unknown[] = [],
  ): Promise<PostgresQueryResult<R>> & never {
    return this.#query(String(sql), parameters) as never;
  }

  async #query(text: string, parameters: readonly unknown[]): Promise<unknown> {
    // A rollback, say, after a query that was never answered, would wait behind it.
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return await this.#client.query(text, parameters.map(storable));
    } catch (error) {
      const known = ofPostgres(error);
      if (endsConnection(known)) this.#failure = known;
      throw known;
    }
  }

  release(): void {
    this.#client.release(this.#failure !== undefined);
  }
}

function storable(value: unknown): unknown {
  return typeof value === 'string' ? storableText(value) : value;
}
