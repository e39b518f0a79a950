import type { ComparisonResult } from '../../types.ts';
import type { LimitSetting } from '../limits/limit-values.ts';

/** Upper bounds in seconds: a flag may be held for half a minute, a comparison for longer. */
export const REQUEST_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120,
];
export const DATABASE_BOUNDS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** How many values were no larger than each bound, and than any. */
export interface Distribution {
  counts: number[];
  sum: number;
}

export interface EventCounts {
  stored: number;
  /** Their ids were stored already, or came twice in one batch. */
  duplicate: number;
  invalid: number;
}

/** Of OTLP requests. */
export interface SpanCounts {
  stored: number;
  /** They were there already. */
  duplicate: number;
  /** Without valid ids, or of a trace that is full. */
  rejected: number;
}

export type LimitName = LimitSetting | 'failed_keys_per_minute';

/** Tasks that were deleted: on request, or by the limits of what a project keeps. */
export interface RemovalCounts {
  request: number;
  age: number;
  size: number;
}

/** What was answered to whom: routes are patterns, and so few. */
export interface RequestKey {
  method: string;
  route: string;
  status: number;
}

/** Counts what the collector does, for `/metrics`. */
export class Meter {
  readonly #requests = new Map<string, RequestKey & { count: number }>();
  readonly #durations = new Map<string, Pick<RequestKey, 'method' | 'route'> & Distribution>();
  readonly #database = new Map<string, Distribution & { failures: number }>();
  readonly eventTotals: EventCounts = { stored: 0, duplicate: 0, invalid: 0 };
  readonly spanTotals: SpanCounts = { stored: 0, duplicate: 0, rejected: 0 };
  /** Requests that were refused, by the limit. */
  readonly limitedTotals: Record<LimitName, number> = {
    requests_per_minute: 0,
    events_per_minute: 0,
    events_per_day: 0,
    failed_keys_per_minute: 0,
  };
  readonly removalTotals: RemovalCounts = { request: 0, age: 0, size: 0 };
  readonly comparisonTotals: Record<ComparisonResult, number> = {
    'Old output is better': 0,
    'New output is better': 0,
    'Same quality': 0,
    'Both are bad': 0,
    Error: 0,
  };

  /** @param seconds - undefined for a stream, which lasts as long as somebody reads */
  request({ method, route, status }: RequestKey, seconds: number | undefined): void {
    const place = `${method} ${route}`;
    const key = `${place} ${status}`;
    const counted = this.#requests.get(key) ?? { method, route, status, count: 0 };
    counted.count++;
    this.#requests.set(key, counted);
    if (seconds === undefined) return;
    const durations = this.#durations.get(place) ?? { method, route, ...none(REQUEST_BOUNDS) };
    this.#durations.set(place, durations);
    add(durations, REQUEST_BOUNDS, seconds);
  }

  events({ stored, duplicate, invalid }: EventCounts): void {
    this.eventTotals.stored += stored;
    this.eventTotals.duplicate += duplicate;
    this.eventTotals.invalid += invalid;
  }

  spans({ stored, duplicate, rejected }: SpanCounts): void {
    this.spanTotals.stored += stored;
    this.spanTotals.duplicate += duplicate;
    this.spanTotals.rejected += rejected;
  }

  limited(limit: LimitName): void {
    this.limitedTotals[limit]++;
  }

  removed(reason: keyof RemovalCounts, tasks: number): void {
    this.removalTotals[reason] += tasks;
  }

  comparison(result: ComparisonResult): void {
    this.comparisonTotals[result]++;
  }

  /** @param operation - of the store, so that there are few */
  database(operation: string, seconds: number, hasFailed: boolean): void {
    const times = this.#database.get(operation) ?? { failures: 0, ...none(DATABASE_BOUNDS) };
    this.#database.set(operation, times);
    if (hasFailed) times.failures++;
    add(times, DATABASE_BOUNDS, seconds);
  }

  get requests(): readonly Readonly<RequestKey & { count: number }>[] {
    return [...this.#requests.values()];
  }

  get durations(): readonly Readonly<Pick<RequestKey, 'method' | 'route'> & Distribution>[] {
    return [...this.#durations.values()];
  }

  get databaseTimes(): readonly Readonly<{ operation: string; failures: number } & Distribution>[] {
    return [...this.#database].map(([operation, times]) => ({ operation, ...times }));
  }
}

function none(bounds: readonly number[]): Distribution {
  return { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
}

function add(distribution: Distribution, bounds: readonly number[], value: number): void {
  const { counts } = distribution;
  for (let i = 0; i < counts.length; i++) {
    if (value <= (bounds[i] ?? Number.POSITIVE_INFINITY)) counts[i] = (counts[i] ?? 0) + 1;
  }
  distribution.sum += value;
}
