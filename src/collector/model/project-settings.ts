import * as z from 'zod';

/**
 * What a project has set for itself; of what is not set, the collector's option holds. Fields of newer versions
 * are kept as they are.
 */
export const projectSettings: z.ZodType<Record<string, unknown>> = z.looseObject({});

export type ProjectSettings = z.infer<typeof projectSettings>;
