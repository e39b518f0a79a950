import * as z from 'zod';
import { limitSettings } from '../limits/limit-values.ts';
import { retentionSettings } from './retention.ts';

/**
 * What a project has set for itself; of what is not set, the collector's option holds. Fields of newer versions
 * are kept as they are.
 */
export const projectSettings: z.ZodType<Record<string, unknown>> = z.looseObject({
  ...limitSettings,
  ...retentionSettings,
});

export type ProjectSettings = z.infer<typeof projectSettings>;
