import type { Kysely, Transaction } from 'kysely';
import type { JsonObject, ProjectContent } from '../../types.ts';
import type { ProjectSettings } from '../model/project-settings.ts';
import { scopesIn, textOfScopes } from '../model/scopes.ts';
import { unixNow } from './clock.ts';
import type { Engine } from './engine.ts';
import type { ApiKeysTable, Schema } from './schema.ts';
import { storableJson } from './storable.ts';
import type { ProjectStore, StoredKey } from './store.ts';

export class KyselyProjects implements ProjectStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#db = engine.db;
  }

  async ensure(projectId: string): Promise<void> {
    await this.#db
      .insertInto('projects')
      .values({ id: projectId, project_name: projectId, created_at: unixNow(), settings: null })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }

  async find(projectId: string): Promise<ProjectContent | undefined> {
    const row = await this.#db
      .selectFrom('projects')
      .select(['id', 'project_name', 'created_at'])
      .where('id', '=', projectId)
      .executeTakeFirst();
    return row && { ...row, org_id: null };
  }

  addFirstKey(key: StoredKey): Promise<boolean> {
    return this.#changeKeys(key.projectId, async (tx) => {
      const known = await tx
        .selectFrom('api_keys')
        .select('hash')
        .where('project_id', '=', key.projectId)
        .executeTakeFirst();
      if (known === undefined) await insertKey(tx, key);
      return known === undefined;
    });
  }

  replaceKeys(key: StoredKey): Promise<void> {
    return this.#changeKeys(key.projectId, async (tx) => {
      await tx.deleteFrom('api_keys').where('project_id', '=', key.projectId).execute();
      await insertKey(tx, key);
    });
  }

  async findKey(hash: string): Promise<StoredKey | undefined> {
    const row = await this.#db
      .selectFrom('api_keys')
      .selectAll()
      .where('hash', '=', hash)
      .executeTakeFirst();
    return row && keyOfRow(row);
  }

  async settings(projectId: string): Promise<ProjectSettings | undefined> {
    const row = await this.#db
      .selectFrom('projects')
      .select('settings')
      .where('id', '=', projectId)
      .executeTakeFirst();
    return row && settingsIn(row.settings);
  }

  changeSettings(projectId: string, change: JsonObject): Promise<ProjectSettings | undefined> {
    return this.#engine.transaction(async (tx) => {
      const query = tx.selectFrom('projects').select('settings').where('id', '=', projectId);
      const row = await this.#engine.locked(query).executeTakeFirst();
      if (row === undefined) return undefined;
      const all = { ...settingsIn(row.settings), ...change };
      const settings = Object.fromEntries(
        Object.entries(all).filter(([, value]) => value !== null),
      ) as ProjectSettings;
      await tx
        .updateTable('projects')
        .set({ settings: storableJson(settings) })
        .where('id', '=', projectId)
        .execute();
      return settings;
    });
  }

  /** One at a time: collectors that start together would each give the project another key. */
  #changeKeys<T>(projectId: string, change: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
    return this.#engine.transaction(async (tx) => {
      const project = tx.selectFrom('projects').select('id').where('id', '=', projectId);
      await this.#engine.locked(project).execute();
      return change(tx);
    });
  }
}

function settingsIn(text: string | null): ProjectSettings {
  return text === null ? {} : JSON.parse(text);
}

function keyOfRow(row: ApiKeysTable): StoredKey {
  return {
    projectId: row.project_id,
    hash: row.hash,
    last4: row.last4,
    name: row.name,
    scopes: scopesIn(row.scopes),
    expiresAt: row.expires_at,
  };
}

async function insertKey(
  tx: Transaction<Schema>,
  { projectId, hash, last4, name, scopes, expiresAt }: StoredKey,
): Promise<void> {
  await tx
    .insertInto('api_keys')
    .values({
      project_id: projectId,
      hash,
      last4,
      created_at: unixNow(),
      name,
      scopes: textOfScopes(scopes),
      expires_at: expiresAt,
    })
    .execute();
}
