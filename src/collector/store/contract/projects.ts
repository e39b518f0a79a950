import type { JsonObject, ProjectContent } from '../../../types.ts';
import type { ProjectSettings } from '../../model/project-settings.ts';
import type { StoredKey } from './keys.ts';

export interface ProjectStore {
  /** Creates the project where it is unknown. */
  ensure(projectId: string): Promise<void>;
  find(projectId: string): Promise<ProjectContent | undefined>;
  /** With its settings. */
  read(projectId: string): Promise<ProjectRecord | undefined>;
  /** By id, from the one after `after` on. */
  list(page: { after?: string | undefined; limit: number }): Promise<ProjectRecord[]>;
  /** @returns whether there was none of that id */
  create(project: NewProject, actor: string): Promise<boolean>;
  /** What the project has set for itself; undefined where it is unknown. */
  settings(projectId: string): Promise<ProjectSettings | undefined>;
  /** @returns the project as it is then; undefined where it is unknown */
  change(
    projectId: string,
    change: ProjectChange,
    actor: string,
  ): Promise<ProjectRecord | undefined>;
}

export interface ProjectRecord {
  id: string;
  project_name: string;
  created_at: number;
  settings: ProjectSettings;
}

export interface NewProject {
  id: string;
  name: string;
  settings: ProjectSettings;
  /** Its first key, if it shall have one. */
  key?: StoredKey | undefined;
}

/** What to change of a project; what is undefined stays. */
export interface ProjectChange {
  name?: string | undefined;
  /** Sets what it holds; null unsets. */
  settings?: JsonObject | undefined;
}
