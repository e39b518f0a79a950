import * as z from 'zod';

const MAX_LENGTH = 256;
/** No control characters, no half surrogate pairs: such ids would not survive a database or a terminal. */
const PRINTABLE = /^[^\p{Cc}\p{Surrogate}]+$/u;

/** An id that a caller may choose: 1 to 256 printable characters. */
export const id: z.ZodType<string, string> = z
  .string()
  .min(1)
  .max(MAX_LENGTH)
  .regex(PRINTABLE, 'control characters and lone surrogates are not allowed')
  // In an address they mean the folder and the one above, however they are encoded.
  .refine((value) => value !== '.' && value !== '..', '"." and ".." are not allowed');
