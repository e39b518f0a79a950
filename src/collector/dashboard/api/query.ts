import * as z from 'zod';
import { readQuery } from '../../inputs/read.ts';
import { type PageStart, type Position, positionOf } from '../../store/dashboard/cursor.ts';
import type { OverviewQuery } from '../../store/dashboard/overview.ts';
import type { TaskQuery } from '../../store/dashboard/tasks.ts';
import { HOUR } from '../../store/stats/tally.ts';

const MAX_LIMIT = 200;
const MAX_COLUMNS = 400;

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

const hour = z.string().transform((text, context): number => {
  if (/^\d{1,12}$/.test(text) && Number(text) % HOUR === 0) return Number(text);
  const rule = `must be a whole hour in UNIX seconds, a multiple of ${HOUR}`;
  context.addIssue({ code: 'custom', message: `${rule}; got ${text}`, continue: false });
  return z.NEVER;
});

const starts = z
  .string('expected where the columns start: whole hours in UNIX seconds, separated by commas')
  .transform((text) => text.split(','))
  .refine(({ length }) => length <= MAX_COLUMNS, {
    error: ({ input }) => `at most ${MAX_COLUMNS} columns; got ${(input as string[]).length}`,
    abort: true,
  })
  .pipe(z.array(hour))
  .refine((times) => times.every((time, index) => time > (times[index - 1] ?? -1)), {
    error: 'must ascend',
    abort: true,
  });

const overview = z
  .object({ starts, to: hour })
  .refine(({ starts, to }) => to > (starts.at(-1) ?? 0), {
    error: 'must be after the last of starts: it is where the last column ends',
    path: ['to'],
  });

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
