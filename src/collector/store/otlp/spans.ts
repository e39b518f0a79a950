import type { Kysely, Transaction } from 'kysely';
import { idOfSpan } from '../../otlp/fold.ts';
import type { Engine } from '../engine.ts';
import { removedOf } from '../removal/removed-ids.ts';
import type { OtlpSpansTable, Schema } from '../schema.ts';
import type { AddedSpans, DueTrace, Fold, NewSpan, SpanStore } from '../store.ts';
import { type Applied, applyPlan, type Made } from './apply-plan.ts';

/** A trace is folded when nothing has come for so long, or when its first span has waited for so long. */
const QUIET_MS = 2_000;
const MAX_WAIT_MS = 30_000;
/** How long spans are kept for later ones to join them. */
const KEEP_MS = 60 * 60 * 1000;
/** Of one trace. */
const MAX_SPANS = 5_000;
const MAX_BYTES = 32 * 2 ** 20;
/** 4 columns a row, and SQLite takes at most 32 766 parameters in a statement. */
const ROWS_PER_STATEMENT = 1_000;

export class KyselySpans implements SpanStore {
  readonly #engine: Engine;
  readonly #db: Kysely<Schema>;
  readonly #onChange: (projectId: string) => void;

  constructor(engine: Engine, onChange: (projectId: string) => void) {
    this.#engine = engine;
    this.#db = engine.db;
    this.#onChange = onChange;
  }

  async add(projectId: string, spans: readonly NewSpan[], now: number): Promise<AddedSpans> {
    if (spans.length === 0) return { stored: 0, duplicate: 0, rejected: 0 };
    return this.#engine.transaction((tx) => addSpans(tx, projectId, spans, now));
  }

  async due(now: number, limit: number): Promise<DueTrace[]> {
    const rows = await this.#db
      .selectFrom('otlp_traces')
      .select(['project_id', 'trace_id'])
      .where('due_ms', '<=', now)
      .orderBy('due_ms')
      .limit(limit)
      .execute();
    return rows.map((row) => ({ projectId: row.project_id, traceId: row.trace_id }));
  }

  async nextDue(): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('otlp_traces')
      .select('due_ms')
      .where('due_ms', 'is not', null)
      .orderBy('due_ms')
      .limit(1)
      .executeTakeFirst();
    return row?.due_ms ?? undefined;
  }

  async fold(
    projectId: string,
    traceIds: readonly string[],
    now: number,
    fold: Fold,
  ): Promise<ReadonlySet<string>> {
    const { stored, hasChanged } = await this.#engine.transaction(async (tx) => {
      const all = { stored: new Set<string>(), hasChanged: false };
      // In one order, so that two transactions never wait for each other's rows.
      for (const traceId of [...traceIds].sort()) {
        const applied = await foldOne(this.#engine, tx, { projectId, traceId }, now, fold);
        for (const id of applied.stored) all.stored.add(id);
        all.hasChanged ||= applied.hasChanged;
      }
      return all;
    });
    if (hasChanged) this.#onChange(projectId);
    return stored;
  }

  async forget(now: number, limit: number): Promise<number> {
    const rows = await this.#db
      .selectFrom('otlp_traces')
      .select(['project_id', 'trace_id'])
      .where('forget_ms', '<=', now)
      .where('due_ms', 'is', null)
      .limit(limit)
      .execute();
    for (const { project_id, trace_id } of rows) {
      await this.#engine.transaction(async (tx) => {
        const trace = { projectId: project_id, traceId: trace_id };
        // A span may have come meanwhile.
        const gone = await ofTrace(tx.deleteFrom('otlp_traces'), trace)
          .where('forget_ms', '<=', now)
          .returning('trace_id')
          .executeTakeFirst();
        if (gone !== undefined) await ofTrace(tx.deleteFrom('otlp_spans'), trace).execute();
      });
    }
    return rows.length;
  }
}

const NOTHING = { stored: new Set<string>(), hasChanged: false } as const;

async function foldOne(
  engine: Engine,
  tx: Transaction<Schema>,
  trace: DueTrace,
  now: number,
  fold: Fold,
): Promise<Pick<Applied, 'stored' | 'hasChanged'>> {
  const { projectId, traceId } = trace;
  // The row is locked from here on: another process that wants it finds nothing due afterwards.
  const row = await ofTrace(tx.updateTable('otlp_traces').set({ due_ms: null }), trace)
    .where('due_ms', '<=', now)
    .returning(['waits_since_ms', 'forget_ms', 'made'])
    .executeTakeFirst();
  if (row === undefined) return NOTHING;
  const made = JSON.parse(row.made) as Made;
  const spans = await tx
    .selectFrom('otlp_spans')
    .select('span')
    .where('project_id', '=', projectId)
    .where('trace_id', '=', traceId)
    .execute();
  const waitedMs = now - row.waits_since_ms;
  const plan = fold(
    traceId,
    spans.map(({ span }) => span),
    { waitedMs, hasTasks: Object.keys(made).length > 0 },
  );
  if (plan === undefined) return NOTHING;
  if ('waitMs' in plan) {
    const due = now + Math.max(1, Math.min(plan.waitMs, MAX_WAIT_MS - waitedMs));
    await ofTrace(tx.updateTable('otlp_traces').set({ due_ms: due }), trace).execute();
    return NOTHING;
  }
  const applied = await applyPlan(engine, tx, projectId, plan, made);
  // Tasks of others that have not come are looked for again, more and more seldom.
  const again = now + Math.max(QUIET_MS, Math.min(waitedMs, KEEP_MS / 12));
  await ofTrace(
    tx.updateTable('otlp_traces').set({
      made: JSON.stringify(applied.made),
      due_ms: applied.isAwaiting && again < row.forget_ms ? again : null,
    }),
    trace,
  ).execute();
  return applied;
}

interface Where<Self> {
  where(column: 'project_id' | 'trace_id', operator: '=', value: string): Self;
}

function ofTrace<Q extends Where<Q>>(query: Q, { projectId, traceId }: DueTrace): Q {
  return query.where('project_id', '=', projectId).where('trace_id', '=', traceId);
}

async function addSpans(
  tx: Transaction<Schema>,
  projectId: string,
  spans: readonly NewSpan[],
  now: number,
): Promise<AddedSpans> {
  const added: AddedSpans = { stored: 0, duplicate: 0, rejected: 0 };
  // In one order, so that two transactions never wait for each other's rows.
  for (const [traceId, given] of [...grouped(spans)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const trace = { projectId, traceId };
    const room = await roomOf(tx, trace, now);
    const known = await knownOf(tx, trace, given);
    for (const spanId of await removedSpans(tx, trace, given)) known.add(spanId);
    const rows: OtlpSpansTable[] = [];
    for (const { spanId, text } of given) {
      const bytes = Buffer.byteLength(text);
      if (known.has(spanId)) added.duplicate++;
      else if (room.spans < 1 || room.bytes < bytes) added.rejected++;
      else {
        known.add(spanId);
        room.spans--;
        room.bytes -= bytes;
        rows.push({ project_id: projectId, trace_id: traceId, span_id: spanId, span: text });
      }
    }
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      await tx
        .insertInto('otlp_spans')
        .values(rows.slice(start, start + ROWS_PER_STATEMENT))
        .execute();
    }
    added.stored += rows.length;
    await arm(tx, trace, room, rows.length > 0, now);
  }
  return added;
}

function grouped(spans: readonly NewSpan[]): Map<string, NewSpan[]> {
  const byTrace = new Map<string, NewSpan[]>();
  for (const span of spans) {
    const group = byTrace.get(span.traceId) ?? [];
    byTrace.set(span.traceId, group);
    group.push(span);
  }
  return byTrace;
}

/** Those that were deleted lately are known. */
async function removedSpans(
  tx: Transaction<Schema>,
  { projectId, traceId }: DueTrace,
  given: readonly NewSpan[],
): Promise<string[]> {
  const ids = new Map(given.map(({ spanId }) => [idOfSpan(traceId, spanId), spanId]));
  const removed = await removedOf(tx, projectId, [...ids.keys()]);
  return [...removed].flatMap((id) => ids.get(id) ?? []);
}

interface Room {
  spans: number;
  bytes: number;
  dueMs: number | null;
  waitsSinceMs: number;
}

/** Locks the trace's row until the commit, so that whoever folds it sees these spans or is called again. */
async function roomOf(
  tx: Transaction<Schema>,
  { projectId, traceId }: DueTrace,
  now: number,
): Promise<Room> {
  const row = await tx
    .insertInto('otlp_traces')
    .values({
      ...{ project_id: projectId, trace_id: traceId, waits_since_ms: now, due_ms: null },
      ...{ forget_ms: now + KEEP_MS, spans: 0, bytes: 0, made: '{}' },
    })
    .onConflict((conflict) =>
      conflict.columns(['project_id', 'trace_id']).doUpdateSet((eb) => ({
        forget_ms: eb.ref('excluded.forget_ms'),
      })),
    )
    .returning(['spans', 'bytes', 'due_ms', 'waits_since_ms'])
    .executeTakeFirstOrThrow();
  return {
    spans: MAX_SPANS - row.spans,
    bytes: MAX_BYTES - row.bytes,
    dueMs: row.due_ms,
    waitsSinceMs: row.waits_since_ms,
  };
}

async function knownOf(
  tx: Transaction<Schema>,
  { projectId, traceId }: DueTrace,
  given: readonly NewSpan[],
): Promise<Set<string>> {
  const known = new Set<string>();
  for (let start = 0; start < given.length; start += ROWS_PER_STATEMENT) {
    const rows = await tx
      .selectFrom('otlp_spans')
      .select('span_id')
      .where('project_id', '=', projectId)
      .where('trace_id', '=', traceId)
      .where(
        'span_id',
        'in',
        given.slice(start, start + ROWS_PER_STATEMENT).map(({ spanId }) => spanId),
      )
      .execute();
    for (const { span_id } of rows) known.add(span_id);
  }
  return known;
}

async function arm(
  tx: Transaction<Schema>,
  trace: DueTrace,
  room: Room,
  hasNew: boolean,
  now: number,
): Promise<void> {
  if (!hasNew) return;
  const since = room.dueMs === null ? now : room.waitsSinceMs;
  await ofTrace(
    tx.updateTable('otlp_traces').set({
      spans: MAX_SPANS - room.spans,
      bytes: MAX_BYTES - room.bytes,
      waits_since_ms: since,
      due_ms: Math.min(now + QUIET_MS, since + MAX_WAIT_MS),
    }),
    trace,
  ).execute();
}
