import type { Kysely } from 'kysely';
import { unixNow } from './clock.ts';
import type { Schema } from './schema.ts';
import type { LoginStore } from './store.ts';

export class KyselyLogins implements LoginStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async add(hash: string, expiresAt: number): Promise<void> {
    const now = unixNow();
    await this.#db.deleteFrom('logins').where('expires_at', '<=', now).execute();
    await this.#db
      .insertInto('logins')
      .values({ hash, created_at: now, expires_at: expiresAt })
      .execute();
  }

  async has(hash: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('logins')
      .select('hash')
      .where('hash', '=', hash)
      .where('expires_at', '>', unixNow())
      .executeTakeFirst();
    return row !== undefined;
  }

  async remove(hash: string): Promise<void> {
    await this.#db.deleteFrom('logins').where('hash', '=', hash).execute();
  }

  async removeAll(): Promise<number> {
    const removed = await this.#db.deleteFrom('logins').returning('expires_at').execute();
    const now = unixNow();
    return removed.filter((login) => login.expires_at > now).length;
  }
}
