import type { Meter } from '../metrics/meter.ts';
import type { Store } from '../store/store.ts';
import { DayCounts, msUntilTomorrow, type Taken } from './day-count.ts';
import { type Limit, type LimitValues, limitOf, SETTING } from './limit-values.ts';
import { limitReached, neverFits } from './refusals.ts';
import { TokenBucket } from './token-bucket.ts';

/** Counted apart, so that a flood of events leaves flags and pages alone, and strangers' flags those of keys. */
export type RequestKind = 'events' | 'others' | 'keyless';

/** Undefined: there is no such project. */
type Settings = Readonly<Record<string, unknown>> | undefined;

/** No project has such an id. */
const NO_PROJECT = '';

/** How long a project's settings are believed, at most. */
const FRESH_MS = 2000;

/**
 * What a project may send. Rates are of this process: several collectors let through as many times as much. The
 * events of a day are counted in the database, for all of them.
 */
export class Limits {
  readonly #store: Pick<Store, 'projects' | 'tasks'>;
  readonly #defaults: LimitValues;
  readonly #meter: Pick<Meter, 'limited'>;
  readonly #settings = new Map<string, { at: number; value: Promise<Settings> }>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #days: DayCounts;

  constructor(
    store: Pick<Store, 'projects' | 'tasks'>,
    defaults: LimitValues,
    meter: Pick<Meter, 'limited'>,
  ) {
    this.#store = store;
    this.#defaults = defaults;
    this.#meter = meter;
    this.#days = new DayCounts((projectId, day) => store.tasks.arrivedOn(projectId, day));
  }

  /** Counts a request. @throws HttpError 429 */
  async request(projectId: string, kind: RequestKind): Promise<void> {
    const settings = await this.#settingsOf(projectId);
    const limit = limitOf('requestsPerMinute', settings ?? {}, this.#defaults);
    if (limit === undefined) return;
    // Whoever names projects that are not there fills no memory: all of them have one count.
    const counted = settings === undefined ? NO_PROJECT : projectId;
    this.#takeFromBucket(`${kind} ${counted}`, projectId, 'requestsPerMinute', limit, 1);
  }

  /**
   * Counts events and has them stored.
   *
   * @throws HttpError 429, or 413 where they are more than a whole day's
   */
  events<T>(projectId: string, count: number, store: () => Promise<T>): Promise<T> {
    return this.#counted(projectId, { perMinute: count, perDay: count }, store);
  }

  /**
   * Counts spans as events of the minute. Of the day they are what they become, which is not known yet: it must
   * have room for one.
   *
   * @throws HttpError 429
   */
  spans<T>(projectId: string, count: number, store: () => Promise<T>): Promise<T> {
    return this.#counted(projectId, { perMinute: count, perDay: Math.min(count, 1) }, store);
  }

  async #counted<T>(
    projectId: string,
    counts: { perMinute: number; perDay: number },
    store: () => Promise<T>,
  ): Promise<T> {
    if (counts.perMinute === 0) return store();
    const perMinute = await this.#limit(projectId, 'eventsPerMinute');
    const perDay = await this.#limit(projectId, 'eventsPerDay');
    const ofDay = perDay && (await this.#takeFromDay(projectId, perDay, counts.perDay));
    try {
      if (perMinute !== undefined)
        this.#takeFromBucket(projectId, projectId, 'eventsPerMinute', perMinute, counts.perMinute);
    } catch (error) {
      ofDay?.giveBack();
      throw error;
    }
    return store().finally(() => ofDay?.over());
  }

  #takeFromBucket(
    whose: string,
    projectId: string,
    name: 'requestsPerMinute' | 'eventsPerMinute',
    limit: Limit,
    count: number,
  ): void {
    const key = `${name} ${whose}`;
    const now = performance.now();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = new TokenBucket(limit.value, now);
      this.#buckets.set(key, bucket);
    }
    bucket.resize(limit.value);
    const waitMs = bucket.take(count, now);
    if (waitMs === 0) return;
    this.#meter.limited(SETTING[name]);
    throw limitReached(projectId, name, limit, waitMs);
  }

  async #takeFromDay(projectId: string, limit: Limit, count: number): Promise<Taken> {
    if (count > limit.value) throw neverFits(projectId, 'eventsPerDay', limit, count);
    const taken = await this.#days.take(projectId, count, limit.value);
    if (taken !== undefined) return taken;
    this.#meter.limited(SETTING.eventsPerDay);
    throw limitReached(projectId, 'eventsPerDay', limit, msUntilTomorrow());
  }

  async #limit(projectId: string, name: keyof LimitValues): Promise<Limit | undefined> {
    return limitOf(name, (await this.#settingsOf(projectId)) ?? {}, this.#defaults);
  }

  #settingsOf(projectId: string): Promise<Settings> {
    const now = performance.now();
    const known = this.#settings.get(projectId);
    if (known !== undefined && now - known.at < FRESH_MS) return known.value;
    const value = this.#store.projects.settings(projectId).then((settings) => {
      if (settings === undefined) this.#settings.delete(projectId);
      return settings;
    });
    this.#settings.set(projectId, { at: now, value });
    value.catch(() => this.#settings.delete(projectId));
    return value;
  }
}
