import type { Kysely } from 'kysely';
import type { Eval } from '../../../types.ts';
import type { Engine } from '../engine.ts';
import type { Schema } from '../schema.ts';
import type { Page, PageStart, Position } from './cursor.ts';
import { type OverviewQuery, readOverview } from './overview.ts';
import { pageOfSessions, transcript } from './sessions.ts';
import type { Choices, Exchange, Overview, SessionRow, TaskDetails, TaskRow } from './shapes.ts';
import { pageOfTasks, type TaskQuery } from './tasks.ts';

/** What the dashboard reads, in shapes of its own: lists by keyset, and figures. */
export class DashboardStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#db = engine.db;
  }

  tasks(projectId: string, query: TaskQuery): Promise<Page<TaskRow>> {
    return pageOfTasks(this.#engine, projectId, query);
  }

  sessions(projectId: string, query: PageStart & { limit: number }): Promise<Page<SessionRow>> {
    return pageOfSessions(this.#db, projectId, query);
  }

  transcript(
    projectId: string,
    sessionId: string,
    query: { after?: Position | undefined; limit: number },
  ): Promise<{ exchanges: Exchange[]; later: string | null }> {
    return transcript(this.#db, projectId, sessionId, query);
  }

  overview(projectId: string, query: OverviewQuery): Promise<Overview> {
    return readOverview(this.#db, projectId, query);
  }

  projects(): Promise<{ id: string; name: string }[]> {
    return this.#db
      .selectFrom('projects')
      .select(['id', 'project_name as name'])
      .orderBy('id')
      .execute();
  }

  async details(projectId: string, taskId: string): Promise<TaskDetails | undefined> {
    const row = await this.#db
      .selectFrom('tasks')
      .select(['model', 'route', 'outcome', 'latency_ms', 'prompt_tokens', 'completion_tokens'])
      .select(['user_id', 'version_id'])
      .where('project_id', '=', projectId)
      .where('id', '=', taskId)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { user_id, version_id, ...facts } = row;
    return { facts, user_id, version_id, evals: await this.#evals(projectId, taskId) };
  }

  async choices(projectId: string): Promise<Choices> {
    const [routes, models, versions] = await Promise.all(
      (['route', 'model', 'version'] as const).map((dimension) =>
        this.#names(projectId, dimension),
      ),
    );
    return { routes: routes ?? [], models: models ?? [], versions: versions ?? [] };
  }

  async #evals(projectId: string, taskId: string): Promise<Eval[]> {
    return this.#db
      .selectFrom('evals')
      .select(['id', 'created_at', 'project_id', 'session_id', 'task_id', 'value', 'source'])
      .select(['test_id', 'notes'])
      .where('project_id', '=', projectId)
      .where('task_id', '=', taskId)
      .orderBy('received_us', 'desc')
      .limit(MAX_EVALS)
      .execute();
  }

  async #names(projectId: string, dimension: 'route' | 'model' | 'version'): Promise<string[]> {
    const rows = await this.#db
      .selectFrom('task_stats')
      .select('name')
      .distinct()
      .where('project_id', '=', projectId)
      .where('dimension', '=', dimension)
      .where('grain', '=', 86_400)
      .where('name', '!=', '')
      .where('tasks', '>', 0)
      .orderBy('name')
      .limit(MAX_CHOICES)
      .execute();
    // Databases differ in what comes first.
    return rows.map(({ name }) => name).sort();
  }
}

const MAX_EVALS = 100;
const MAX_CHOICES = 200;
