import type { Kysely } from 'kysely';
import { uuidv7 } from '../../internal/ids.ts';
import type { Schema } from './schema.ts';
import { storableJson, storableText } from './storable.ts';
import type { AuditEntry, AuditStore, NewAuditEntry } from './store.ts';

/** Ids are UUIDs of version 7, so their order is that of time. */
export class KyselyAudit implements AuditStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async note(projectId: string, { actor, act, subject, details }: NewAuditEntry): Promise<void> {
    const atMs = Date.now();
    await this.#db
      .insertInto('audit')
      .values({
        project_id: projectId,
        id: uuidv7(atMs),
        at_ms: atMs,
        actor: storableText(actor),
        act,
        subject: storableText(subject),
        details: storableJson(details ?? {}),
      })
      .execute();
  }

  async list(
    projectId: string,
    { before, limit }: { before?: string | undefined; limit: number },
  ): Promise<AuditEntry[]> {
    let query = this.#db
      .selectFrom('audit')
      .selectAll()
      .where('project_id', '=', projectId)
      .orderBy('id', 'desc')
      .limit(limit);
    if (before !== undefined) query = query.where('id', '<', before);
    const rows = await query.execute();
    return rows.map(({ project_id: projectId, at_ms: atMs, details, ...row }) => ({
      ...row,
      projectId,
      atMs,
      details: JSON.parse(details),
    }));
  }
}
