import * as z from 'zod';
import type { ProjectDataFilters } from '../../types.ts';
import { request, writtenAs } from '../openapi/registry.ts';
import { jsonObject, unixSeconds } from './json.ts';

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
  .transform((n) => n ?? undefined)
  .describe(`How many rows, at most. Default: ${DEFAULT_LIMIT}`);

/** The same in a query. */
export const limitText: z.ZodType<number> = writtenAs(
  z
    .string()
    .regex(/^-?\d{1,9}$/, 'expected an integer')
    .transform(Number)
    .pipe(count),
  { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
);

export interface ListingQuery {
  limit?: number | undefined;
}

export interface ListingBody extends ListingQuery {
  filters: ProjectDataFilters;
}

export const listingQuery: z.ZodType<ListingQuery> = z.object({
  limit: limitText.optional().describe('How many rows, at most; the body’s wins over it'),
});

const ids = z.array(z.string()).max(MAX_LIMIT);
const names = z.union([z.array(z.string()), z.string().transform((name) => [name])]);

const filters = z.object({
  created_at_start: unixSeconds.nullish().describe('Inclusive'),
  created_at_end: unixSeconds.nullish().describe('Inclusive'),
  flag: z.enum(['success', 'failure']).nullish(),
  metadata: jsonObject
    .refine((value) => Object.keys(value).length <= MAX_METADATA_FILTERS, {
      message: `at most ${MAX_METADATA_FILTERS} keys`,
    })
    .nullish()
    .describe('Top-level keys of the metadata and the values that they must have'),
  user_id: z.string().nullish(),
  version_id: z.string().nullish(),
  last_eval_source: z.string().nullish(),
  has_notes: z.boolean().nullish(),
  tasks_ids: ids.nullish().describe('Any of these; none match an empty list'),
  sessions_ids: ids.nullish().describe('Any of these; none match an empty list'),
  task_position: z.int().nullish().describe('1 for the oldest task of each session'),
  is_last_task: z.boolean().nullish().describe('Tasks without a session match neither value'),
  event_name: names
    .nullish()
    .describe('This collector detects no events: any name or list matches nothing'),
  sentiment: z.string().nullish().describe('As the app itself has logged it in the metadata'),
  language: z.string().nullish().describe('As the app itself has logged it in the metadata'),
});

/** Clients send null for a filter that is not set. */
export const listingBody: z.ZodType<ListingBody> = request(
  'Listing',
  z.object({
    filters: request('ProjectDataFilters', filters)
      .nullish()
      .transform((given) => withoutNulls(given ?? {}))
      .describe('Combined with AND'),
    limit,
  }),
);

/** What a listing's caller asks for: filters in the body, the limit there or in the query. */
export function listingOf({
  query,
  body,
}: {
  query: ListingQuery;
  body: ListingBody | undefined;
}): { filters: ProjectDataFilters; limit: number } {
  return {
    filters: body?.filters ?? {},
    limit: body?.limit ?? query.limit ?? DEFAULT_LIMIT,
  };
}

/** Clients send null for a filter that is not set. */
function withoutNulls(given: z.infer<typeof filters>): ProjectDataFilters {
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== null && value !== undefined),
  );
}
