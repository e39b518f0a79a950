import * as z from 'zod';
import type { JsonObject } from '../../types.ts';
import { DEFAULT_GRACE_MS, type KeyWish, MAX_GRACE_MS } from '../admin/keys.ts';
import { projectSettings } from '../model/project-settings.ts';
import { DEFAULT_SCOPES, SCOPES, type Scope } from '../model/scopes.ts';
import { jsonSchemaOf, request, writtenAs } from '../openapi/registry.ts';
import { PROJECT } from '../resolve-options.ts';
import { unixNow } from '../store/clock.ts';
import { jsonObject } from './json.ts';
import { limitText } from './listing.ts';

const MAX_NAME = 128;
const LAST_SECOND_OF_9999 = 253_402_300_799;

/** Of a key or a project: for people. */
export const name: z.ZodType<string> = z
  .string()
  .max(MAX_NAME, `must have at most ${MAX_NAME} characters`)
  .regex(/^[^\p{Cc}\p{Surrogate}]*$/u, 'must have no control characters and no lone surrogates');

export const projectId: z.ZodType<string> = z
  .string()
  .regex(PROJECT.pattern, `must be ${PROJECT.takes}`);

export const expiry: z.ZodType<number> = z
  .int()
  .max(LAST_SECOND_OF_9999, 'must be in UNIX seconds, before the year 10000')
  .refine((at) => at > unixNow(), 'must be in the future, in UNIX seconds');

const scopes: z.ZodType<Scope[]> = z
  .array(z.enum(SCOPES, `must be one of ${SCOPES.join(', ')}`))
  .min(1, `must name at least one of ${SCOPES.join(', ')}`)
  .max(SCOPES.length, `must name each of ${SCOPES.join(', ')} once at most`);

const keyFields = {
  name: name.nullish().describe('For people. Default: none'),
  scopes: scopes.nullish().describe(`What it may do. Default: ${DEFAULT_SCOPES.join(' and ')}`),
  expires_at: expiry.nullish().describe('UNIX seconds. Default: never'),
};

export const newKey: z.ZodType<KeyFields> = request('KeyCreation', z.object(keyFields));

interface KeyFields {
  name?: string | null | undefined;
  scopes?: Scope[] | null | undefined;
  expires_at?: number | null | undefined;
}

export function wishOf({ name, scopes, expires_at }: KeyFields): KeyWish {
  return { name: name ?? '', scopes: scopes ?? DEFAULT_SCOPES, expiresAt: expires_at ?? null };
}

export const rotation: z.ZodType<{ grace_ms: number; expires_at?: number | null | undefined }> =
  request(
    'KeyRotation',
    z.object({
      grace_ms: z
        .int()
        .min(0, `must be 0 to ${MAX_GRACE_MS}`)
        .max(MAX_GRACE_MS, `must be 0 to ${MAX_GRACE_MS}`)
        .default(DEFAULT_GRACE_MS)
        .describe('How long the old key still works, in milliseconds; 0 revokes it at once'),
      expires_at: expiry
        .nullish()
        .describe('Of the new key; null: never. Default: as long from now on as the old one had'),
    }),
  );

const SETTINGS = jsonSchemaOf(projectSettings) as {
  properties?: Record<string, { type?: string; minimum?: number; maximum?: number }>;
};

/** A change of settings: what is null is unset. Names that nothing reads are refused: they are misspelt. */
export const settingsChange: z.ZodType<JsonObject> = writtenAs(
  jsonObject.superRefine((change, context) => {
    const known = Object.keys((projectSettings as Partial<z.ZodObject>).shape ?? {});
    const set = Object.entries(change).filter(([, value]) => value !== null);
    for (const [key] of set) {
      if (known.includes(key)) continue;
      const message = `no setting of this version; there are: ${known.join(', ') || 'none'}`;
      context.addIssue({ code: 'custom', path: [key], message });
    }
    const { error } = projectSettings.safeParse(Object.fromEntries(set));
    for (const { path, message } of error?.issues ?? [])
      context.addIssue({ code: 'custom', path, message: rangeOf(path) ?? message });
  }),
  {
    ...SETTINGS,
    properties: Object.fromEntries(
      Object.entries(SETTINGS.properties ?? {}).map(([key, schema]) => [
        ...[key, { anyOf: [schema, { type: 'null' }] }],
      ]),
    ),
  },
);

/** What a setting takes, where it is a whole number: zod tells of the bound alone that was passed. */
function rangeOf([name]: readonly PropertyKey[]): string | undefined {
  const { type, minimum, maximum } = SETTINGS.properties?.[String(name)] ?? {};
  if (type !== 'integer' || minimum === undefined || maximum === undefined) return undefined;
  return `must be an integer from ${minimum} to ${maximum}`;
}

export const newProject: z.ZodType<NewProjectBody> = request(
  'ProjectCreation',
  z.object({
    id: projectId.describe(PROJECT.takes),
    project_name: name.nullish().describe('For people. Default: its id'),
    settings: settingsChange.nullish(),
    key: z.object(keyFields).nullish().describe('Its first key. Default: none is made'),
  }),
);

interface NewProjectBody {
  id: string;
  project_name?: string | null | undefined;
  settings?: JsonObject | null | undefined;
  key?: KeyFields | null | undefined;
}

export const projectChange: z.ZodType<{
  project_name?: string | null | undefined;
  settings?: JsonObject | null | undefined;
}> = request(
  'ProjectChange',
  z
    .object({
      project_name: name.nullish(),
      settings: settingsChange.nullish().describe('What is null in it is unset'),
    })
    .describe('What is null or absent stays'),
);

const limit = limitText.optional().describe('How many rows, at most');

export const pageAfter: z.ZodType<{ limit?: number | undefined; after?: string | undefined }> =
  z.object({
    limit,
    after: z.string().optional().describe('The id that the page before ended with'),
  });

export const pageBefore: z.ZodType<{ limit?: number | undefined; before?: string | undefined }> =
  z.object({
    limit,
    before: z.string().optional().describe('The id that the page before ended with'),
  });

export const PAGE_ROWS = 1000;

/** What the next page is asked by. */
export function nextOf(rows: readonly { id: string }[], limit: number): string | null {
  return rows.length < limit ? null : (rows.at(-1)?.id ?? null);
}
