import * as z from 'zod';
import { PhosphoConfigError } from '../../errors.ts';
import { VERSION } from '../../internal/version.ts';

/** Of the lines that follow. A reader of an older one refuses a newer one. */
const FORMAT = 1;

export interface Header {
  project_id: string;
}

const schema = z.looseObject({
  type: z.literal('header'),
  format: z.int().min(1),
  project_id: z.string(),
});

/** The first line of an export. */
export function headerLine(projectId: string, now: Date): string {
  return JSON.stringify({
    type: 'header',
    format: FORMAT,
    project_id: projectId,
    exported_at: now.toISOString(),
    made_by: `phospho-express ${VERSION}`,
  });
}

/**
 * The header that a line is, if it is one.
 *
 * @throws PhosphoConfigError where the file is of a newer version
 */
export function headerIn(value: unknown): Header | undefined {
  const { data } = schema.safeParse(value);
  if (data === undefined) return undefined;
  if (data.format > FORMAT) {
    throw new PhosphoConfigError(
      `the file is an export of format ${data.format}; this version reads up to ${FORMAT}. Update phospho-express`,
    );
  }
  return data;
}
