import * as z from 'zod';
import { integer } from '../option-checks.ts';

/** What a project may send; undefined: without limit. */
export interface LimitValues {
  requestsPerMinute: number | undefined;
  eventsPerMinute: number | undefined;
  eventsPerDay: number | undefined;
}

/** The options of a collector that are about limits; 0 is none. */
export interface LimitOptions extends Partial<Record<keyof LimitValues, number>> {
  failedKeysPerMinute?: number;
}

export interface ResolvedLimits extends LimitValues {
  failedKeysPerMinute: number | undefined;
}

export type LimitSetting = 'requests_per_minute' | 'events_per_minute' | 'events_per_day';

const MOST = 1_000_000_000;

const limit = z.int().min(0).max(MOST);

/** The settings of a project that are about limits; 0 is none, whatever the collector's option says. */
export const limitSettings: Readonly<Record<LimitSetting, z.ZodExactOptional<z.ZodInt>>> = {
  requests_per_minute: limit
    .exactOptional()
    .describe('Requests that bring events, and as many others; 0: no limit'),
  events_per_minute: limit.exactOptional().describe('0: no limit'),
  events_per_day: limit.exactOptional().describe('Stored in a day of UTC; 0: no limit'),
};

/** What a setting is called in JSON, by the name of its option. */
export const SETTING: Readonly<Record<keyof LimitValues, LimitSetting>> = {
  requestsPerMinute: 'requests_per_minute',
  eventsPerMinute: 'events_per_minute',
  eventsPerDay: 'events_per_day',
};

const DEFAULT_FAILED_KEYS = 60;

/** @throws PhosphoConfigError */
export function resolveLimits(
  options: LimitOptions,
  env: (name: string) => string | undefined,
): ResolvedLimits {
  const read = (name: keyof LimitOptions, variable: string, byDefault = 0) =>
    integer(name, options[name] ?? env(variable) ?? byDefault, 0, MOST) || undefined;
  return {
    requestsPerMinute: read('requestsPerMinute', 'REQUESTS_PER_MINUTE'),
    eventsPerMinute: read('eventsPerMinute', 'EVENTS_PER_MINUTE'),
    eventsPerDay: read('eventsPerDay', 'EVENTS_PER_DAY'),
    failedKeysPerMinute: read('failedKeysPerMinute', 'FAILED_KEYS_PER_MINUTE', DEFAULT_FAILED_KEYS),
  };
}

/** A limit that holds, and whether the project has set it itself. */
export interface Limit {
  value: number;
  isOwn: boolean;
}

/** @param settings - the project's, as they are stored: what is no number there counts as not set */
export function limitOf(
  name: keyof LimitValues,
  settings: Readonly<Record<string, unknown>>,
  defaults: LimitValues,
): Limit | undefined {
  const own = limit.safeParse(settings[SETTING[name]]).data;
  const value = own ?? defaults[name] ?? 0;
  return value === 0 ? undefined : { value, isOwn: own !== undefined };
}
