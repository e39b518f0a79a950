import { PhosphoConfigError } from '../../errors.ts';
import { taskOfEvent } from '../inputs/log-event.ts';
import { PROJECT } from '../resolve-options.ts';
import type { Arriving, NewTask, Store } from '../store/store.ts';
import type { RecordKind } from '../store/transfer/columns.ts';
import { headerIn } from './header.ts';
import { recordReader } from './record.ts';

/** Rows a transaction, and the bytes of their lines. */
const ROWS = 1_000;
const BYTES = 8 * 2 ** 20;

export interface ImporterOptions {
  /** Where all goes; undefined: to the project that the file tells of. */
  projectId: string | undefined;
  /** Of a file without a header, whose lines are log events. */
  defaultProject: string;
  /** Who imports, as the audit names them. */
  actor: string;
  /** Told of each line that is left out. */
  onProblem(line: number, problem: string): void;
}

/** What an import has done so far. */
export interface Imported {
  projectId: string;
  stored: Record<RecordKind, number>;
  /** Rows that were there already. */
  known: number;
  /** Lines that were left out. */
  bad: number;
}

type Read = (value: unknown) => Arriving | { kind: 'event'; task: NewTask } | { problem: string };
type Entry = { line: number; row: Exclude<ReturnType<Read>, { problem: string }> };

/** Stores the lines of an export, or of log events, whichever the first one is. */
export class Importer {
  readonly #store: Store;
  readonly #options: ImporterOptions;
  readonly #stored: Imported['stored'] = { session: 0, task: 0, eval: 0, test: 0, comparison: 0 };
  #projectId: string | undefined;
  #read: Read | undefined;
  #waiting: Entry[] = [];
  #bytes = 0;
  #known = 0;
  #bad = 0;

  constructor(store: Store, options: ImporterOptions) {
    this.#store = store;
    this.#options = options;
  }

  get imported(): Imported {
    const { projectId, defaultProject } = this.#options;
    return {
      projectId: this.#projectId ?? projectId ?? defaultProject,
      stored: { ...this.#stored },
      known: this.#known,
      bad: this.#bad,
    };
  }

  /**
   * Takes the next line. What is stored is committed now and then.
   *
   * @throws PhosphoConfigError where the first line tells that the file cannot be read
   */
  async take(line: number, bytes: Buffer): Promise<void> {
    const value = parsed(bytes);
    if (value === undefined) return this.leaveOut(line, 'is not JSON in UTF-8');
    if (this.#read === undefined && (await this.#begin(value))) return;
    const row = this.#read?.(value) ?? { problem: 'comes too early' };
    if ('problem' in row) return this.leaveOut(line, row.problem);
    this.#waiting.push({ line, row });
    this.#bytes += bytes.length;
    if (this.#waiting.length >= ROWS || this.#bytes >= BYTES) await this.flush();
  }

  /** Stores what was taken. */
  async flush(): Promise<void> {
    const entries = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    const { projectId } = this.imported;
    const rows = entries.flatMap(({ row }) => (row.kind === 'event' ? [] : [row]));
    if (rows.length > 0) {
      const { stored, orphans } = await this.#store.transfer.put(projectId, rows);
      let count = 0;
      for (const [kind, number] of Object.entries(stored)) {
        this.#stored[kind as RecordKind] += number;
        count += number;
      }
      this.#known += rows.length - count - orphans.length;
      const left = new Set<unknown>(orphans);
      for (const { line, row } of entries)
        if (left.has(row)) this.leaveOut(line, 'eval: there is no task of that task_id');
    }
    const tasks = entries.flatMap(({ row }) => (row.kind === 'event' ? [row.task] : []));
    if (tasks.length > 0) {
      const unique = new Map(tasks.toReversed().map((task) => [task.id, task]));
      const stored = await this.#store.tasks.add(projectId, [...unique.values()].reverse());
      this.#stored.task += stored.size;
      this.#known += tasks.length - stored.size;
    }
  }

  /** @returns whether it was a header */
  async #begin(value: unknown): Promise<boolean> {
    const header = headerIn(value);
    const { projectId, defaultProject, actor } = this.#options;
    const project = projectId ?? header?.project_id ?? defaultProject;
    if (!PROJECT.pattern.test(project)) {
      throw new PhosphoConfigError(
        `the file is of the project ${JSON.stringify(project)}, which is no name for one here. Name another: --project <id>`,
      );
    }
    this.#projectId = project;
    await this.#store.projects.create({ id: project, name: project, settings: {} }, actor);
    this.#read = header === undefined ? eventReader(project) : recordReader(project);
    return header !== undefined;
  }

  /** Counts a line that cannot be stored, and tells of it. */
  leaveOut(line: number, problem: string): void {
    this.#bad++;
    this.#options.onProblem(line, problem);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** Events of any project: that of the import is where they go. */
function eventReader(projectId: string): Read {
  return (value) => {
    if (typeof value !== 'object' || value === null) return { problem: 'is no JSON object' };
    const { project_id: _, ...event } = value as Record<string, unknown>;
    const task = taskOfEvent(event, projectId);
    return 'error' in task ? { problem: task.error } : { kind: 'event', task };
  };
}
