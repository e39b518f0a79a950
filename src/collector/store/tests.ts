import type { Kysely, Selectable, Transaction } from 'kysely';
import { uuidv7 } from '../../internal/ids.ts';
import type { ComparisonResult, JsonObject, TestContent } from '../../types.ts';
import { unixNow } from './clock.ts';
import type { Engine } from './engine.ts';
import { testOf } from './rows.ts';
import type { Schema, TestsTable } from './schema.ts';
import { overallScore } from './score.ts';
import { storableJson } from './storable.ts';
import type { TestChange, TestStore } from './store.ts';

export class KyselyTests implements TestStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#db = engine.db;
  }

  async create(projectId: string, createdBy: string, summary: JsonObject): Promise<TestContent> {
    const now = unixNow();
    const row: TestsTable = {
      project_id: projectId,
      id: `test_${uuidv7()}`,
      created_by: createdBy,
      created_at: now,
      last_updated_at: now,
      terminated_at: null,
      status: 'started',
      summary: storableJson(summary),
    };
    await this.#db.insertInto('tests').values(row).execute();
    return testOf(row);
  }

  async find(projectId: string, testId: string): Promise<TestContent | undefined> {
    const row = await testQuery(this.#db, projectId, testId).executeTakeFirst();
    return row && testOf(row);
  }

  async change(
    projectId: string,
    testId: string,
    change: TestChange,
  ): Promise<TestContent | undefined> {
    const row = await this.#engine.transaction(async (tx) => {
      const query = testQuery(tx, projectId, testId);
      const found = await this.#engine.locked(query).executeTakeFirst();
      if (found === undefined) return undefined;
      const set = await changed(tx, found, change);
      await tx
        .updateTable('tests')
        .set(set)
        .where('project_id', '=', projectId)
        .where('id', '=', testId)
        .execute();
      return { ...found, ...set };
    });
    return row && testOf(row);
  }
}

/** "completed" scores the test; "completed" and "canceled" end it; "started" reopens it. */
async function changed(
  tx: Transaction<Schema>,
  row: Selectable<TestsTable>,
  { status, summary }: TestChange,
): Promise<Pick<TestsTable, 'status' | 'summary' | 'terminated_at' | 'last_updated_at'>> {
  const now = unixNow();
  const score =
    status === 'completed' ? { overall_score: await scoreOf(tx, row.project_id, row.id) } : {};
  const merged = { ...(JSON.parse(row.summary) as JsonObject), ...summary, ...score };
  return {
    status: status ?? row.status,
    summary: storableJson(merged),
    terminated_at: status === undefined ? row.terminated_at : status === 'started' ? null : now,
    last_updated_at: now,
  };
}

async function scoreOf(
  tx: Transaction<Schema>,
  projectId: string,
  testId: string,
): Promise<number | null> {
  const evals = await tx
    .selectFrom('evals')
    .select('value')
    .where('project_id', '=', projectId)
    .where('test_id', '=', testId)
    .execute();
  const comparisons = await tx
    .selectFrom('comparisons')
    .select('comparison_result')
    .where('project_id', '=', projectId)
    .where('test_id', '=', testId)
    .$castTo<{ comparison_result: ComparisonResult }>()
    .execute();
  return overallScore({ evals, comparisons });
}

function testQuery(db: Kysely<Schema>, projectId: string, testId: string) {
  return db
    .selectFrom('tests')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('id', '=', testId);
}
