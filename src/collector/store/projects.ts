import type { Kysely } from 'kysely';
import type { JsonObject, ProjectContent } from '../../types.ts';
import type { ProjectSettings } from '../model/project-settings.ts';
import type { KyselyAudit } from './audit.ts';
import type { Engine } from './engine.ts';
import { creationOf, insertKey } from './key-rows.ts';
import { insertProject, projectOfRow, settingsIn } from './project-rows.ts';
import type { Schema } from './schema.ts';
import { storableJson } from './storable.ts';
import type { NewProject, ProjectChange, ProjectRecord, ProjectStore } from './store.ts';

export class KyselyProjects implements ProjectStore {
  readonly #engine: Engine;
  readonly #audit: KyselyAudit;
  readonly #db: Kysely<Schema>;

  constructor(engine: Engine, audit: KyselyAudit) {
    this.#engine = engine;
    this.#audit = audit;
    this.#db = engine.db;
  }

  async ensure(projectId: string): Promise<void> {
    await insertProject(this.#db, { id: projectId, name: projectId, settings: {} });
  }

  async find(projectId: string): Promise<ProjectContent | undefined> {
    const row = await this.#db
      .selectFrom('projects')
      .select(['id', 'project_name', 'created_at'])
      .where('id', '=', projectId)
      .executeTakeFirst();
    return row && { ...row, org_id: null };
  }

  async read(projectId: string): Promise<ProjectRecord | undefined> {
    const query = this.#db.selectFrom('projects').selectAll().where('id', '=', projectId);
    const row = await query.executeTakeFirst();
    return row && projectOfRow(row);
  }

  async list({
    after,
    limit,
  }: {
    after?: string | undefined;
    limit: number;
  }): Promise<ProjectRecord[]> {
    let query = this.#db.selectFrom('projects').selectAll().orderBy('id').limit(limit);
    if (after !== undefined) query = query.where('id', '>', after);
    return (await query.execute()).map(projectOfRow);
  }

  create(project: NewProject, actor: string): Promise<boolean> {
    const { id, name, settings, key } = project;
    return this.#audit.noted(async (tx, note) => {
      if (!(await insertProject(tx, project))) return false;
      const details = { name, ...(Object.keys(settings).length > 0 && { settings }) };
      await note(id, { actor, act: 'project.create', subject: id, details });
      if (key === undefined) return true;
      await note(id, { actor, ...creationOf(key) });
      await insertKey(tx, key);
      return true;
    });
  }

  async settings(projectId: string): Promise<ProjectSettings | undefined> {
    const row = await this.#db
      .selectFrom('projects')
      .select('settings')
      .where('id', '=', projectId)
      .executeTakeFirst();
    return row && settingsIn(row.settings);
  }

  change(
    projectId: string,
    { name, settings }: ProjectChange,
    actor: string,
  ): Promise<ProjectRecord | undefined> {
    return this.#audit.noted(async (tx, note) => {
      const query = tx.selectFrom('projects').selectAll().where('id', '=', projectId);
      const row = await this.#engine.locked(query).executeTakeFirst();
      if (row === undefined) return undefined;
      const details = { ...(name !== undefined && { name }), ...(settings && { settings }) };
      if (Object.keys(details).length === 0) return projectOfRow(row);
      const changed = {
        ...row,
        project_name: name ?? row.project_name,
        settings: settings ? withChange(row.settings, settings) : row.settings,
      };
      const { id: _, ...columns } = changed;
      await tx.updateTable('projects').set(columns).where('id', '=', projectId).execute();
      await note(projectId, { actor, act: 'project.change', subject: projectId, details });
      return projectOfRow(changed);
    });
  }
}

function withChange(text: string | null, change: JsonObject): string {
  const all = Object.entries({ ...settingsIn(text), ...change });
  return storableJson(Object.fromEntries(all.filter(([, value]) => value !== null)));
}
