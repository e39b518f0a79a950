import type { Selectable } from 'kysely';
import { unixNow } from '../clock.ts';
import type { StatsTable, TasksTable } from '../schema.ts';
import { addTo, bucketOf } from './histogram.ts';
import { type Dimension, noSums, SUMMED, type Sums } from './sums.ts';

/** Seconds. Figures are kept by hours and, where a whole range is summed, by days of UTC. */
export const HOUR = 3600;
export const DAY = 86_400;

/** What of a task is counted. */
export type Counted = Pick<
  Selectable<TasksTable>,
  | 'created_at'
  | 'flag'
  | 'model'
  | 'route'
  | 'version_id'
  | 'outcome'
  | 'latency_ms'
  | 'prompt_tokens'
  | 'completion_tokens'
>;

/** One line of the statistics, and what to add to it. */
export interface Change extends Pick<StatsTable, 'dimension' | 'grain' | 'start' | 'name'> {
  by: Sums;
}

/** Collects what a transaction changes in the statistics, so that each line is written once. */
export class Tally {
  readonly #changes = new Map<string, Change>();

  /** Those that change something, in one order: so two transactions never wait for each other's rows. */
  get changes(): Change[] {
    return [...this.#changes]
      .filter(([, { by }]) => changesAnything(by))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, change]) => change);
  }

  /**
   * @param bytes - the size of the task: see `bytesOf`
   * @param sign - -1 takes back what an earlier state of the task had counted
   */
  count(task: Counted, bytes: number, sign: 1 | -1 = 1): void {
    this.#count('all', '', task, bytes, sign);
    this.#count('model', task.model ?? '', task, bytes, sign);
    this.#count('route', task.route ?? '', task, bytes, sign);
    this.#count('version', task.version_id ?? '', task, bytes, sign);
  }

  /** So many tasks are stored now. */
  arrived(tasks: number): void {
    const start = Math.floor(unixNow() / DAY) * DAY;
    const by = { ...noSums(), tasks };
    this.#changes.set('arrived', { dimension: 'arrived', grain: DAY, start, name: '', by });
  }

  #count(dimension: Dimension, name: string, task: Counted, bytes: number, sign: 1 | -1): void {
    for (const grain of [HOUR, DAY]) {
      const start = Math.floor(task.created_at / grain) * grain;
      const key = JSON.stringify([dimension, grain, start, name]);
      let change = this.#changes.get(key);
      if (change === undefined) {
        change = { dimension, grain, start, name, by: noSums() };
        this.#changes.set(key, change);
      }
      addTask(change.by, task, bytes, sign);
    }
  }
}

/** What was taken back and added again is no change. */
function changesAnything(by: Sums): boolean {
  return (
    SUMMED.some((column) => by[column] !== 0) || [...by.latencies.values()].some((n) => n !== 0)
  );
}

function addTask(sums: Sums, task: Counted, bytes: number, sign: 1 | -1): void {
  sums.tasks += sign;
  sums.bytes += sign * bytes;
  if (task.flag !== null) sums[task.flag] += sign;
  if (task.outcome === 'error') sums.errors += sign;
  sums.prompt_tokens += sign * (task.prompt_tokens ?? 0);
  sums.completion_tokens += sign * (task.completion_tokens ?? 0);
  if (task.latency_ms !== null) addTo(sums.latencies, [[bucketOf(task.latency_ms), sign]]);
}
