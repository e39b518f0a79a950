import { BoundedMap } from '../internal/bounded-map.ts';

/**
 * `open`: the app is at it. `queued`: on its way to the server; in both a flag for it waits. `parked`: left out
 * by sampling; a flag sends it. `delivered`: the server has it. `lost`: it will never get there.
 */
export type TaskState = 'open' | 'queued' | 'parked' | 'delivered' | 'lost';

/** More tasks than can be open and queued at once by default; an id and a word each, some 3 MB when full. */
const REMEMBERED_TASKS = 20_000;

/**
 * What this process knows of the tasks that it issued lately. An id that it does not know was issued by
 * another replica, before a restart, or long ago: the server is asked about it straight away.
 */
export class TaskStates {
  readonly #states = new BoundedMap<string, TaskState>(REMEMBERED_TASKS);

  get(taskId: string): TaskState | undefined {
    return this.#states.get(taskId);
  }

  set(taskId: string, state: TaskState): void {
    this.#states.set(taskId, state);
  }

  forget(taskId: string): void {
    this.#states.delete(taskId);
  }
}
