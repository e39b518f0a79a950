import { sql } from 'kysely';
import type { Engine } from '../engine.ts';
import type { Arrived, Arriving, ExportPage, PartOf, Place, TransferStore } from '../store.ts';
import type { RecordKind } from './columns.ts';
import { countTasks, exportPage } from './export.ts';
import { importRows } from './import.ts';

export class KyselyTransfer implements TransferStore {
  readonly #engine: Engine;
  readonly #onChange: (projectId: string) => void;

  constructor(engine: Engine, onChange: (projectId: string) => void) {
    this.#engine = engine;
    this.#onChange = onChange;
  }

  countTasks(projectId: string, part: PartOf): Promise<number> {
    return countTasks(this.#engine.db, projectId, part);
  }

  page(
    projectId: string,
    kind: Exclude<RecordKind, 'eval'>,
    part: PartOf,
    after: Place | undefined,
  ): Promise<ExportPage> {
    return exportPage(this.#engine, projectId, kind, part, after);
  }

  async put(projectId: string, rows: readonly Arriving[]): Promise<Arrived> {
    const arrived = await this.#engine.transaction((tx) =>
      importRows(this.#engine, tx, projectId, rows),
    );
    if (Object.values(arrived.stored).some((count) => count > 0)) this.#onChange(projectId);
    return arrived;
  }

  async settle(): Promise<void> {
    if (this.#engine.kind === 'sqlite') return;
    for (const table of ['sessions', 'tasks', 'evals', 'task_search', 'task_stats'])
      await sql`analyze ${sql.table(table)}`.execute(this.#engine.db);
  }
}
