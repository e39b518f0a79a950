import { type Query, withQuery } from './base.ts';
import { isRange, rangeStart } from './ranges.ts';

export const FLAGS = ['success', 'failure', 'any', 'none'] as const;
export type FlagFilter = (typeof FLAGS)[number];

/** What the Tasks page's address says. */
export interface TaskFilters {
  q?: string;
  flag?: string;
  route?: string;
  model?: string;
  version?: string;
  session?: string;
  user?: string;
  range?: string;
  from?: string;
  to?: string;
  before?: string;
  after?: string;
}

export type FilterName = keyof TaskFilters;
/** Undefined removes a filter. */
export type Change = Partial<Record<FilterName, string | undefined>>;

const NAMES: readonly FilterName[] = [
  ...(['q', 'flag', 'route', 'model', 'version', 'session', 'user'] as const),
  ...(['range', 'from', 'to', 'before', 'after'] as const),
];

export function readFilters(query: Record<string, string>): TaskFilters {
  const filters: TaskFilters = {};
  for (const name of NAMES) {
    const value = query[name];
    if (value !== undefined && value !== '' && isValid(name, value)) filters[name] = value;
  }
  return filters;
}

/** Other filters begin at the newest page: a cursor belongs to the list it came with. */
export function changed(filters: TaskFilters, change: Change): Query {
  return { ...filters, before: undefined, after: undefined, ...change };
}

export function hasFilters({ before: _before, after: _after, ...filters }: TaskFilters): boolean {
  return Object.keys(filters).length > 0;
}

/** The same as the API takes it: relative ranges become a time. */
export function tasksUrl(api: string, filters: TaskFilters, limit?: number): string {
  const { range, ...rest } = filters;
  const from = range === undefined ? rest.from : rangeStart(range, Date.now() / 1000);
  return withQuery(api, { ...rest, from, limit });
}

function isValid(name: FilterName, value: string): boolean {
  if (name === 'flag') return FLAGS.some((flag) => flag === value);
  if (name === 'range') return isRange(value);
  if (name === 'from' || name === 'to') return /^\d{1,11}$/.test(value);
  return true;
}
