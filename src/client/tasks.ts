import type { Flag, FlattenedTask, JsonObject, ProjectDataFilters } from '../types.ts';
import { readFlatTasks, readTask, readTasks } from './answers.ts';
import type { Api } from './api.ts';
import { checkId, checkLimit, checkOptionalFlag, checkOptionalId, checkText } from './arguments.ts';
import { Listing } from './listing.ts';
import { Task, taskPath } from './task.ts';

/** A task to create. */
export interface TaskCreation {
  input: string;
  output: string;
  /** Default: none; the task stands alone. */
  sessionId?: string | undefined;
  /** Default: the server makes one. */
  taskId?: string | undefined;
  additionalInput?: JsonObject | undefined;
  additionalOutput?: JsonObject | undefined;
  data?: JsonObject | undefined;
  metadata?: JsonObject | undefined;
  flag?: Flag | undefined;
}

/** Which tasks to list. */
export interface TaskListOptions {
  /** Combined with AND. Their names are those of the wire (`user_id`, `created_at_start`, …). */
  filters?: ProjectDataFilters | undefined;
  /** At most so many. Default: the server's, 1000. */
  limit?: number | undefined;
}

/** Which rows to list. What is left out is as the server has it. */
export interface FlatTaskListOptions {
  /** At most so many rows. Default: the server's, 1000. */
  limit?: number | undefined;
  withEvents?: boolean | undefined;
  withSessions?: boolean | undefined;
  withRemovedEvents?: boolean | undefined;
}

/** A changed row: its task and any of the fields that can be changed. Others are not sent. */
export type FlatTaskUpdate = Pick<FlattenedTask, 'task_id'> &
  Partial<Pick<FlattenedTask, (typeof UPDATABLE)[number]>>;

const UPDATABLE = ['task_metadata', 'task_eval', 'task_eval_source', 'task_eval_at'] as const;

/** The project's tasks, as `client.tasks`. */
export class TaskCollection {
  readonly #api: Api;

  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /** Stores one task now. To record many without waiting for each, use `Phospho.log`. */
  async create(task: TaskCreation): Promise<Task> {
    const body = {
      input: checkText('input', task.input),
      output: checkText('output', task.output),
      session_id: checkOptionalId('sessionId', task.sessionId),
      task_id: checkOptionalId('taskId', task.taskId),
      additional_input: task.additionalInput,
      additional_output: task.additionalOutput,
      data: task.data,
      metadata: task.metadata,
      flag: checkOptionalFlag('flag', task.flag),
      project_id: this.#api.projectId(),
    };
    return new Task(this.#api, await this.#api.post('/tasks', body, readTask));
  }

  /** Reads one task. An unknown id is a PhosphoClientError with status 404. */
  async get(taskId: string): Promise<Task> {
    return new Task(this.#api, await this.#api.get(taskPath(taskId), readTask));
  }

  /** Lists tasks, newest first: await it for an array, or iterate over it. */
  list(options: TaskListOptions = {}): Listing<Task> {
    return new Listing(async () => {
      const { filters = {} } = options;
      checkOptionalFlag('filters.flag', filters.flag);
      const body = { filters, limit: checkLimit(options.limit) };
      const path = this.#api.projectPath('/tasks');
      const contents = await this.#api.post(path, body, readTasks);
      return contents.map((content) => new Task(this.#api, content));
    });
  }

  /** Lists tasks as rows, one for each event of a task: the shape for spreadsheets and data frames. */
  listFlat(options: FlatTaskListOptions = {}): Listing<FlattenedTask> {
    return new Listing(async () => {
      const body = {
        limit: checkLimit(options.limit),
        with_events: options.withEvents,
        with_sessions: options.withSessions,
        with_removed_events: options.withRemovedEvents,
      };
      return this.#api.post(this.#api.projectPath('/tasks/flat'), body, readFlatTasks);
    });
  }

  /** Writes changed rows back, e.g. those of {@link TaskCollection.listFlat} with verdicts added. */
  async updateFlat(rows: readonly FlatTaskUpdate[]): Promise<void> {
    const flattened_tasks = rows.map((row, index) => {
      checkOptionalFlag(`rows[${index}].task_eval`, row.task_eval);
      const changes = UPDATABLE.map((field) => [field, row[field]]);
      return {
        task_id: checkId(`rows[${index}].task_id`, row.task_id),
        ...Object.fromEntries(changes),
      };
    });
    const path = this.#api.projectPath('/tasks/flat-update');
    await this.#api.post(path, { flattened_tasks }, () => undefined);
  }
}
