import * as z from 'zod';

export const MAX_RETENTION_DAYS = 36_500;

/** What a project may set for itself: how long, and how much. 0 keeps all, whatever the collector's option says. */
export const retentionSettings: {
  retention_days: z.ZodType<number | undefined>;
  retention_bytes: z.ZodType<number | undefined>;
} = {
  retention_days: z
    .int()
    .min(0)
    .max(MAX_RETENTION_DAYS)
    .optional()
    .describe('Tasks that are older go. 0 keeps all'),
  retention_bytes: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('Of the tasks’ texts: the oldest go. 0 keeps all'),
};

/** What is kept of a project; 0: all. */
export interface Retention {
  /** Days since the task's `created_at`. */
  days: number;
  /** Of its tasks' texts. */
  bytes: number;
}

/** The project's own, else the collector's. */
export function retentionOf(
  settings: Readonly<Record<string, unknown>>,
  defaults: Retention,
): Retention {
  const own = z.object(retentionSettings).safeParse(settings).data;
  return {
    days: own?.retention_days ?? defaults.days,
    bytes: own?.retention_bytes ?? defaults.bytes,
  };
}
