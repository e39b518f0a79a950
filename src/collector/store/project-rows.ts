import type { Kysely } from 'kysely';
import type { ProjectSettings } from '../model/project-settings.ts';
import { unixNow } from './clock.ts';
import type { ProjectsTable, Schema } from './schema.ts';
import { storableJson } from './storable.ts';
import type { NewProject, ProjectRecord } from './store.ts';

/** @returns whether there was none of that id */
export async function insertProject(
  db: Kysely<Schema>,
  { id, name, settings }: NewProject,
): Promise<boolean> {
  const row = await db
    .insertInto('projects')
    .values({
      id,
      project_name: name,
      created_at: unixNow(),
      settings: Object.keys(settings).length === 0 ? null : storableJson(settings),
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

export function projectOfRow({ settings, ...row }: ProjectsTable): ProjectRecord {
  return { ...row, settings: settingsIn(settings) };
}

export function settingsIn(text: string | null): ProjectSettings {
  return text === null ? {} : JSON.parse(text);
}
