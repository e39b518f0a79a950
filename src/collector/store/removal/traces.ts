import { type Kysely, sql } from 'kysely';
import { idOfSpan } from '../../otlp/fold.ts';
import { type Named, namesOf } from '../../otlp/owner.ts';
import type { Engine } from '../engine.ts';
import { nameOf } from '../facts.ts';
import type { Schema } from '../schema.ts';
import { rememberRemoved, removedOf } from './removed-ids.ts';

/** Traces a step. */
const PART = 100;

/** Whose spans go. */
export interface SpansOf {
  named: Named;
  id: string;
}

/**
 * Deletes the spans of a project's traces that tell of a task, session or user; without `of`, of all. They wait for
 * an hour at most, so these are few. A trace that a deleted task was made of goes too.
 */
export async function removeTraces(
  engine: Engine,
  projectId: string,
  of: SpansOf | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let last = ''; ; ) {
    signal?.throwIfAborted();
    const part = await engine.db
      .selectFrom('otlp_traces')
      .select(['trace_id', 'made'])
      .where('project_id', '=', projectId)
      .where('trace_id', '>', last)
      .orderBy('trace_id')
      .limit(PART)
      .execute();
    const end = part.at(-1);
    if (end === undefined) return;
    last = end.trace_id;
    const traceIds = part.map(({ trace_id }) => trace_id);
    const going =
      of === undefined
        ? traceIds
        : [
            ...(await tracesThatName(engine.db, projectId, traceIds, of)),
            ...(await tracesOfRemoved(engine.db, projectId, part)),
          ];
    await dropTraces(engine, projectId, [...new Set(going)].sort());
  }
}

async function dropTraces(
  engine: Engine,
  projectId: string,
  traceIds: readonly string[],
): Promise<void> {
  if (traceIds.length === 0) return;
  await engine.transaction(async (tx) => {
    // One that is sent again by itself would be a task of its own, though it was a step of another.
    const spans = await tx
      .selectFrom('otlp_spans')
      .select(['trace_id', 'span_id'])
      .where('project_id', '=', projectId)
      .where('trace_id', 'in', traceIds)
      .execute();
    await rememberRemoved(
      tx,
      projectId,
      spans.map(({ trace_id, span_id }) => idOfSpan(trace_id, span_id)).sort(),
    );
    for (const table of ['otlp_traces', 'otlp_spans'] as const) {
      await tx
        .deleteFrom(table)
        .where('project_id', '=', projectId)
        .where('trace_id', 'in', traceIds)
        .execute();
    }
    await engine.noteRemoval(tx);
  });
}

/** The database looks for the id as a text, and what it finds is then read as spans. */
async function tracesThatName(
  db: Kysely<Schema>,
  projectId: string,
  traceIds: readonly string[],
  { named, id }: SpansOf,
): Promise<string[]> {
  const rows = await db
    .selectFrom('otlp_spans')
    .select(['trace_id', 'span'])
    .where('project_id', '=', projectId)
    .where('trace_id', 'in', traceIds)
    .where(sql<boolean>`span like ${`%${escaped(id)}%`} escape '!'`)
    .execute();
  const wanted = nameOf(id);
  return rows.flatMap(({ trace_id, span }) =>
    namesOf(JSON.parse(span), named).some((name) => nameOf(name) === wanted) ? [trace_id] : [],
  );
}

/** As it stands in JSON. Of a long one its beginning, since names are cut where they are stored. */
function escaped(id: string): string {
  return JSON.stringify(id.slice(0, 100)).slice(1, -1).replace(/[!%_]/g, '!$&');
}

async function tracesOfRemoved(
  db: Kysely<Schema>,
  projectId: string,
  traces: readonly { trace_id: string; made: string }[],
): Promise<string[]> {
  const made = traces.map(({ trace_id, made }) => ({
    trace_id,
    ids: Object.keys(JSON.parse(made)),
  }));
  const removed = await removedOf(
    db,
    projectId,
    made.flatMap(({ ids }) => ids),
  );
  return made.flatMap(({ trace_id, ids }) => (ids.some((id) => removed.has(id)) ? trace_id : []));
}
