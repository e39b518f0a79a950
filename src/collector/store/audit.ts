import type { Kysely, Transaction } from 'kysely';
import { uuidv7 } from '../../internal/ids.ts';
import type { Engine } from './engine.ts';
import type { Schema } from './schema.ts';
import { storableJson, storableText } from './storable.ts';
import type { AuditEntry, AuditStore, NewAuditEntry } from './store.ts';

/** Stores an entry in the transaction of what it tells of. */
export type Note = (projectId: string, entry: NewAuditEntry) => Promise<void>;

/** Ids are UUIDs of version 7, so their order is that of time. */
export class KyselyAudit implements AuditStore {
  readonly #engine: Engine;
  readonly #onStored: (entry: AuditEntry) => void;

  /** @param onStored - told of each entry once it is committed */
  constructor(engine: Engine, onStored: (entry: AuditEntry) => void) {
    this.#engine = engine;
    this.#onStored = onStored;
  }

  note(projectId: string, entry: NewAuditEntry): Promise<void> {
    return this.noted((_tx, note) => note(projectId, entry));
  }

  /** Runs work in a transaction with the entries that it notes: both are stored, or neither is. */
  async noted<T>(work: (tx: Transaction<Schema>, note: Note) => Promise<T>): Promise<T> {
    let entries: AuditEntry[] = [];
    const answer = await this.#engine.transaction((tx) => {
      // It may be run once more.
      entries = [];
      return work(tx, async (projectId, entry) => {
        entries.push(await insert(tx, projectId, entry));
      });
    });
    for (const entry of entries) this.#onStored(entry);
    return answer;
  }

  async list(
    projectId: string | undefined,
    { before, limit }: { before?: string | undefined; limit: number },
  ): Promise<AuditEntry[]> {
    let query = this.#engine.db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit);
    if (projectId !== undefined) query = query.where('project_id', '=', projectId);
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

async function insert(
  db: Kysely<Schema>,
  projectId: string,
  { actor, act, subject, details = {} }: NewAuditEntry,
): Promise<AuditEntry> {
  const atMs = Date.now();
  const row = {
    project_id: projectId,
    id: uuidv7(atMs),
    at_ms: atMs,
    actor: storableText(actor),
    act,
    subject: storableText(subject),
    details: storableJson(details),
  };
  await db.insertInto('audit').values(row).execute();
  return { projectId, id: row.id, atMs, actor, act, subject, details };
}
