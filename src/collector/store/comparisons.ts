import type { Kysely } from 'kysely';
import { uuidv7 } from '../../internal/ids.ts';
import type { Comparison } from '../../types.ts';
import { unixNow } from './clock.ts';
import type { ComparisonsTable, Schema } from './schema.ts';
import type { ComparisonStore, NewComparison } from './store.ts';

export class KyselyComparisons implements ComparisonStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async add(projectId: string, comparison: NewComparison): Promise<Comparison> {
    const row: ComparisonsTable = {
      project_id: projectId,
      id: `comparison_${uuidv7()}`,
      created_at: unixNow(),
      test_id: comparison.testId,
      instructions: comparison.instructions,
      context_input: comparison.contextInput,
      old_output: comparison.oldOutput,
      new_output: comparison.newOutput,
      comparison_result: comparison.result,
      source: comparison.source,
      reason: comparison.reason,
    };
    await this.#db.insertInto('comparisons').values(row).execute();
    return { ...row, comparison_result: comparison.result };
  }
}
