import * as z from 'zod';
import type { ProjectDataFilters } from '../../types.ts';
import { isObject, jsonObject, unixSeconds } from './json.ts';
import { readBody, readQuery } from './read.ts';

const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;
const MAX_METADATA_FILTERS = 32;

const count = z
  .int()
  .min(1, `must be 1 to ${MAX_LIMIT}`)
  .max(MAX_LIMIT, `must be 1 to ${MAX_LIMIT}`);

/** How many rows a listing answers: 1 to 10 000, 1000 by default. */
export const limit: z.ZodType<number | undefined> = count
  .nullish()
  .transform((n) => n ?? undefined);

const query = z.object({
  limit: z
    .string()
    .regex(/^-?\d{1,9}$/, 'expected an integer')
    .transform(Number)
    .pipe(count)
    .optional(),
});

const ids = z.array(z.string()).max(MAX_LIMIT);
const names = z.union([z.array(z.string()), z.string().transform((name) => [name])]);

const filters = z.object({
  created_at_start: unixSeconds.nullish(),
  created_at_end: unixSeconds.nullish(),
  flag: z.enum(['success', 'failure']).nullish(),
  metadata: jsonObject
    .refine((value) => Object.keys(value).length <= MAX_METADATA_FILTERS, {
      message: `at most ${MAX_METADATA_FILTERS} keys`,
    })
    .nullish(),
  user_id: z.string().nullish(),
  version_id: z.string().nullish(),
  last_eval_source: z.string().nullish(),
  has_notes: z.boolean().nullish(),
  tasks_ids: ids.nullish(),
  sessions_ids: ids.nullish(),
  task_position: z.int().nullish(),
  is_last_task: z.boolean().nullish(),
  event_name: names.nullish(),
  sentiment: z.string().nullish(),
  language: z.string().nullish(),
});

const body = z.object({ filters: filters.nullish(), limit });

/** What a listing's caller asks for: filters in the body, the limit there or in the query. */
export function readListing(call: { query: unknown; body: unknown }): {
  filters: ProjectDataFilters;
  limit: number;
} {
  const fromQuery = readQuery(query, isObject(call.query) ? { ...call.query } : {});
  const fromBody = readBody(body, call.body);
  return {
    filters: withoutNulls(fromBody.filters ?? {}),
    limit: fromBody.limit ?? fromQuery.limit ?? DEFAULT_LIMIT,
  };
}

/** Clients send null for a filter that is not set. */
function withoutNulls(given: z.infer<typeof filters>): ProjectDataFilters {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  );
}
