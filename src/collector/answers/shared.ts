import * as z from 'zod';
import type { Flag, JsonObject } from '../../types.ts';
import { answer } from '../openapi/registry.ts';

/** UNIX seconds. */
export const time: z.ZodType<number> = z.int().describe('UNIX seconds');

export const verdictValue: z.ZodType<Flag> = z.enum(['success', 'failure']);

export const jsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.unknown());

/** Every error but 422. */
export const errorAnswer: z.ZodType<{ detail: string }> = answer(
  'Error',
  z.object({ detail: z.string().describe('What was wrong, and mostly what to do') }),
);

/** 422: each fault of a body or query, in the words of FastAPI, which phospho's own service is built with. */
export const invalidAnswer: z.ZodType<{ detail: object[] }> = answer(
  'InvalidRequest',
  z.object({
    detail: z
      .array(
        z.object({
          loc: z
            .array(z.union([z.string(), z.int()]))
            .describe('Where: "body" or "query", then the keys that lead there'),
          msg: z.string(),
          type: z.string(),
        }),
      )
      .min(1),
  }),
);
