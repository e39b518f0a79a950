import type { Flag, FlagSource, JsonObject, TaskContent } from '../types.ts';
import { readTask } from './answers.ts';
import type { Api } from './api.ts';
import { checkFlag, checkOptionalFlag, pathSegment } from './arguments.ts';
import { TIMEOUTS } from './limits.ts';

/** What of a task can be changed. What is left out, or null, stays as it is. */
export interface TaskUpdate {
  metadata?: JsonObject | null | undefined;
  data?: JsonObject | null | undefined;
  notes?: string | null | undefined;
  flag?: Flag | null | undefined;
  /** Who gave the flag. Default: the server's, `owner`. */
  flagSource?: FlagSource | null | undefined;
}

/** What goes with a flag. */
export interface FlagOptions {
  /** Who gave it. Default `user`: flags come from the people who read the answer. */
  source?: FlagSource | undefined;
  notes?: string | undefined;
  /** The Python client's word for `notes`, which wins where both are given. */
  note?: string | undefined;
  /** Cancels the call: it rejects with a PhosphoConnectionError, code `ERR_PHOSPHO_ABORTED`. */
  signal?: AbortSignal | undefined;
}

/** A task as the server had it when it was last read. */
export class Task {
  readonly #api: Api;
  readonly id: string;
  /** The server's answer, with the fields that this package does not know. */
  content: TaskContent;

  /** @internal */
  constructor(api: Api, content: TaskContent) {
    this.#api = api;
    this.id = content.id;
    this.content = content;
  }

  /** Reads the task again into {@link Task.content}. */
  async refresh(): Promise<this> {
    this.content = await this.#api.get(taskPath(this.id), readTask);
    return this;
  }

  /** Changes the task on the server and reads the answer into {@link Task.content}. */
  async update(changes: TaskUpdate): Promise<this> {
    const { metadata, data, notes, flagSource: flag_source } = changes;
    const flag = checkOptionalFlag('flag', changes.flag);
    const body = { metadata, data, notes, flag, flag_source };
    this.content = await this.#api.post(taskPath(this.id), body, readTask);
    return this;
  }

  /** Flags the task as a success or a failure. The last flag wins. See `Client.flag`. */
  async flag(flag: Flag, options: FlagOptions = {}): Promise<this> {
    this.content = await postFlag(this.#api, this.id, flag, options);
    return this;
  }
}

export function taskPath(id: string, rest: string = ''): string {
  return `/tasks/${pathSegment('the task id', id)}${rest}`;
}

/** Sends a flag. It goes by its own sockets, since the server may hold one for an unknown task. */
export async function postFlag(
  api: Api,
  taskId: string,
  flag: Flag,
  options: FlagOptions,
): Promise<TaskContent> {
  const { source = 'user', notes = options.note, signal } = options;
  const body = { flag: checkFlag('flag', flag), source, notes, project_id: api.findProjectId() };
  return api.post(taskPath(taskId, '/flag'), body, readTask, {
    timeoutMs: api.atLeast(TIMEOUTS.flag),
    pool: 'flags',
    signal,
  });
}
