import type { Kysely } from 'kysely';
import type { ProjectContent } from '../../types.ts';
import { unixNow } from './clock.ts';
import type { Schema } from './schema.ts';
import type { ProjectStore, StoredKey } from './store.ts';

export class KyselyProjects implements ProjectStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async ensure(projectId: string): Promise<void> {
    await this.#db
      .insertInto('projects')
      .values({ id: projectId, project_name: projectId, created_at: unixNow() })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  async find(projectId: string): Promise<ProjectContent | undefined> {
    const row = await this.#db
      .selectFrom('projects')
      .selectAll()
      .where('id', '=', projectId)
      .executeTakeFirst();
    return row && { ...row, org_id: null };
  }

  async hasKey(projectId: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('api_keys')
      .select('hash')
      .where('project_id', '=', projectId)
      .executeTakeFirst();
    return row !== undefined;
  }

  async replaceKeys({ projectId, hash, last4 }: StoredKey): Promise<void> {
    await this.#db.transaction().execute(async (tx) => {
      await tx.deleteFrom('api_keys').where('project_id', '=', projectId).execute();
      await tx
        .insertInto('api_keys')
        .values({ project_id: projectId, hash, last4, created_at: unixNow() })
        .execute();
    });
  }

  async findKey(hash: string): Promise<StoredKey | undefined> {
    const row = await this.#db
      .selectFrom('api_keys')
      .selectAll()
      .where('hash', '=', hash)
      .executeTakeFirst();
    return row && { projectId: row.project_id, hash: row.hash, last4: row.last4 };
  }
}
