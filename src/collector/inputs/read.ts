import type * as z from 'zod';
import { HttpError, invalid } from '../http/http-error.ts';
import { isTooDeep, MAX_DEPTH } from './json.ts';

/**
 * The body of a call, checked.
 *
 * @param isDeepFine - where the depth of its parts is checked apart
 * @throws HttpError 422 that names each fault
 */
export function readBody<T>(schema: z.ZodType<T>, body: unknown, isDeepFine = false): T {
  if (!isDeepFine && isTooDeep(body)) {
    throw new HttpError(422, [
      { loc: ['body'], msg: `nested deeper than ${MAX_DEPTH} levels`, type: 'too_deep' },
    ]);
  }
  const { data, error } = schema.safeParse(body ?? {});
  if (error !== undefined) throw invalid('body', error.issues);
  return data;
}

/** The query of a call, checked.
 *
 * @throws HttpError 422 that names each fault
 */
export function readQuery<T>(schema: z.ZodType<T>, query: unknown): T {
  // Express' query object has no prototype, which zod takes for something else than an object.
  const { data, error } = schema.safeParse({ ...(query as object) });
  if (error !== undefined) throw invalid('query', error.issues);
  return data;
}

/** The path's or body's value of a verdict.
 *
 * @throws HttpError 400, as phospho answers it
 */
export function readFlag(value: string): 'success' | 'failure' {
  if (value === 'success' || value === 'failure') return value;
  throw new HttpError(400, 'Flag must be either "success" or "failure"');
}
