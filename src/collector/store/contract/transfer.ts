import type { ColumnOf, RecordKind, RowOf } from '../transfer/columns.ts';

/** A part of a project's tasks. Times are UNIX seconds, of their `created_at`. */
export interface PartOf {
  since?: number | undefined;
  /** Exclusive. */
  until?: number | undefined;
  user?: string | undefined;
}

/** Where a page has ended. */
export interface Place {
  createdAt: number;
  receivedUs: number;
  id: string;
}

export interface ExportPage {
  /** Of JSON. */
  lines: string[];
  /** What to ask for next; undefined: that was all. */
  next: Place | undefined;
}

/** A row that comes from elsewhere. */
export type Arriving = {
  [Kind in RecordKind]: {
    kind: Kind;
    row: Pick<RowOf<Kind>, ColumnOf<Kind>>;
  };
}[RecordKind];

export interface Arrived {
  /** How many were not there. */
  stored: Record<RecordKind, number>;
  /** Verdicts whose tasks are not there: they were left out. */
  orphans: Arriving[];
}

/** All that a project has stored, out and in. */
export interface TransferStore {
  countTasks(projectId: string, part: PartOf): Promise<number>;
  /**
   * The next lines, of some megabytes at most, or of one task. A task is followed by its verdicts. What is stored or
   * deleted between two pages may or may not be among them.
   */
  page(
    projectId: string,
    kind: Exclude<RecordKind, 'eval'>,
    part: PartOf,
    after: Place | undefined,
  ): Promise<ExportPage>;
  /** Stores what is not there yet; sessions that are missing are made. All or none. */
  put(projectId: string, rows: readonly Arriving[]): Promise<Arrived>;
  /** To be called after many: PostgreSQL plans by counts, which it would else take minutes later (`analyze`). */
  settle(): Promise<void>;
}
