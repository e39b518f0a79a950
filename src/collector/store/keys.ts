import { type Kysely, sql } from 'kysely';
import { hashStart, keyId } from '../model/api-key.ts';
import { textOfScopes } from '../model/scopes.ts';
import type { KyselyAudit } from './audit.ts';
import { unixNow } from './clock.ts';
import type { Engine } from './engine.ts';
import { creationOf, insertKey, keyOfRow, lockProject, workingKeys } from './key-rows.ts';
import type { ApiKeysTable, Schema } from './schema.ts';
import { settleStartKey } from './start-key.ts';
import type {
  KeyRecord,
  KeyStore,
  NotRotated,
  Rotated,
  Rotation,
  StartKey,
  StoredKey,
} from './store.ts';

/** Keys that work, a project. A list of them is answered whole. */
const MAX_KEYS = 1000;
const LISTED_AFTER_EXPIRY_SECONDS = 30 * 86_400;

export class KyselyKeys implements KeyStore {
  readonly #engine: Engine;
  readonly #audit: KyselyAudit;

  constructor(engine: Engine, audit: KyselyAudit) {
    this.#engine = engine;
    this.#audit = audit;
  }

  async find(hash: string): Promise<KeyRecord | undefined> {
    const query = this.#engine.db.selectFrom('api_keys').selectAll().where('hash', '=', hash);
    const row = await query.executeTakeFirst();
    return row && keyOfRow(row);
  }

  async list(projectId: string): Promise<KeyRecord[]> {
    const since = unixNow() - LISTED_AFTER_EXPIRY_SECONDS;
    const rows = await this.#engine.db
      .selectFrom('api_keys')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('revoked_at', 'is', null)
      .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', since)]))
      .orderBy('created_at')
      .orderBy('hash')
      .execute();
    return rows.map(keyOfRow);
  }

  add(key: StoredKey, actor: string): Promise<KeyRecord | 'no project' | 'too many'> {
    const { projectId } = key;
    return this.#audit.noted(async (tx, note) => {
      if (!(await lockProject(this.#engine, tx, projectId))) return 'no project';
      if ((await workingKeys(tx, projectId)) >= MAX_KEYS) return 'too many';
      await note(projectId, { actor, ...creationOf(key) });
      return insertKey(tx, key);
    });
  }

  /** One at a time: of two rotations of a key at once, one makes its successor, and the other is told of it. */
  rotate(
    projectId: string,
    id: string,
    { hash, last4, expiresAt, graceMs, actor }: Rotation,
  ): Promise<Rotated | NotRotated> {
    return this.#audit.noted(async (tx, note) => {
      await lockProject(this.#engine, tx, projectId);
      const old = await findById(tx, projectId, id);
      if (old === undefined) return 'unknown';
      if (old.replacedBy !== null) return { replacedBy: keyId({ hash: old.replacedBy }) };
      const now = unixNow();
      if (old.expiresAt !== null && old.expiresAt <= now) return 'expired';
      if (graceMs > 0 && (await workingKeys(tx, projectId)) >= MAX_KEYS) return 'too many';
      const lived = old.expiresAt === null ? null : now + old.expiresAt - old.createdAt;
      const { name, scopes } = old;
      const expiry = expiresAt === undefined ? lived : expiresAt;
      const key = { projectId, hash, last4, name, scopes, expiresAt: expiry };
      const graceEnd = Math.ceil((Date.now() + graceMs) / 1000);
      const end = Math.min(old.expiresAt ?? graceEnd, graceEnd);
      const change =
        graceMs === 0
          ? { revoked_at: now, replaced_by: hash }
          : { expires_at: end, replaced_by: hash };
      await changeKey(tx, old, change);
      await note(projectId, {
        ...{ actor, act: 'key.rotate', subject: keyId(old) },
        details: { ...creationOf(key).details, new_key: keyId(key), grace_ms: graceMs },
      });
      return {
        key: await insertKey(tx, key),
        old: {
          ...old,
          replacedBy: hash,
          ...(graceMs === 0 ? { revokedAt: now } : { expiresAt: end }),
        },
      };
    });
  }

  revoke(projectId: string, id: string, actor: string): Promise<KeyRecord | undefined> {
    return this.#audit.noted(async (tx, note) => {
      await lockProject(this.#engine, tx, projectId);
      const key = await findById(tx, projectId, id);
      if (key === undefined) return undefined;
      const revokedAt = unixNow();
      await changeKey(tx, key, { revoked_at: revokedAt });
      const details = { name: key.name, scopes: textOfScopes(key.scopes) };
      await note(projectId, { actor, act: 'key.revoke', subject: keyId(key), details });
      return { ...key, revokedAt };
    });
  }

  settle(wish: StartKey): Promise<'kept' | KeyRecord> {
    return this.#audit.noted((tx, note) => settleStartKey(this.#engine, tx, note, wish));
  }

  async used(times: ReadonlyMap<string, number>): Promise<void> {
    for (const [hash, at] of times) {
      await this.#engine.db
        .updateTable('api_keys')
        .set({ last_used_at: at })
        .where('hash', '=', hash)
        .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<', at)]))
        .execute();
    }
  }
}

async function findById(
  tx: Kysely<Schema>,
  projectId: string,
  id: string,
): Promise<KeyRecord | undefined> {
  const start = hashStart(id);
  if (start === undefined) return undefined;
  const row = await tx
    .selectFrom('api_keys')
    .selectAll()
    .where('project_id', '=', projectId)
    .where(sql`substr(hash, 1, ${sql.lit(start.length)})`, '=', start)
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  return row && keyOfRow(row);
}

async function changeKey(
  tx: Kysely<Schema>,
  { projectId, hash }: StoredKey,
  change: Partial<Pick<ApiKeysTable, 'expires_at' | 'revoked_at' | 'replaced_by'>>,
): Promise<void> {
  await tx
    .updateTable('api_keys')
    .set(change)
    .where('project_id', '=', projectId)
    .where('hash', '=', hash)
    .execute();
}
