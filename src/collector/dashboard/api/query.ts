import * as z from 'zod';
import { readQuery } from '../../inputs/read.ts';
import { type PageStart, type Position, positionOf } from '../../store/dashboard/cursor.ts';
import type { OverviewQuery } from '../../store/dashboard/overview.ts';
import type { TaskQuery } from '../../store/dashboard/tasks.ts';

const MAX_LIMIT = 200;

/** A whole number as it stands in a URL. */
const number = z
  .string()
  .regex(/^-?\d{1,12}$/, 'expected a whole number')
  .transform(Number);

const seconds = number.optional();
/** As long as any value that a page links to; a URL holds no more than some of them. */
const text = z.string().min(1).max(4096).optional();

const cursor = z
  .string()
  .transform((value, context): Position => {
    const position = positionOf(value);
    if (position !== undefined) return position;
    context.addIssue('expected the cursor of a page');
    return z.NEVER;
  })
  .optional();

const limit = number
  .pipe(z.int().min(1, `must be 1 to ${MAX_LIMIT}`).max(MAX_LIMIT, `must be 1 to ${MAX_LIMIT}`))
  .default(50);

const page = { before: cursor, after: cursor, limit };

const tasks = z.object({
  ...page,
  q: text,
  flag: z.enum(['success', 'failure', 'none', 'any']).optional(),
  session: text,
  user: text,
  version: text,
  route: text,
  model: text,
  from: seconds,
  to: seconds,
});

const overview = z
  .object({
    from: number,
    to: number,
    bucket: number.pipe(z.int().min(60, 'must be at least 60')),
    offset: number.pipe(z.int().min(-86_400).max(86_400)).default(0),
  })
  .refine(({ from, to }) => from >= 0 && to >= from, 'to must not be before from')
  .refine(({ from, to, bucket }) => (to - from) / bucket <= 400, 'at most 400 columns');

const sessions = z.object(page);

/** @throws HttpError 422 that names each fault, like the readers below */
export function readTasksQuery(query: unknown): TaskQuery {
  return read(tasks, query);
}

export function readOverviewQuery(query: unknown): OverviewQuery {
  return read(overview, query);
}

export function readPageQuery(query: unknown): PageStart & { limit: number } {
  return read(sessions, query);
}

/** A parameter without a value is one that was not given: forms leave them so. */
function read<T>(schema: z.ZodType<T>, query: unknown): T {
  const given = Object.entries(query ?? {}).filter(([, value]) => value !== '');
  return readQuery(schema, Object.fromEntries(given));
}
