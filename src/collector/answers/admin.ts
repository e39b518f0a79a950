import * as z from 'zod';
import type { ShownAct, ShownKey, ShownProject } from '../admin/shown.ts';
import { projectSettings } from '../model/project-settings.ts';
import { SCOPES } from '../model/scopes.ts';
import { answer } from '../openapi/registry.ts';
import { jsonObject, time } from './shared.ts';

const keyFields = z.object({
  id: z.string(),
  project_id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  last4: z.string().describe('The key’s last characters'),
  created_at: time,
  expires_at: time.nullable(),
  last_used_at: time.nullable().describe('Up to a minute late'),
  replaced_by: z.string().nullable().describe('The key that a rotation made in its place'),
  of_start: z
    .boolean()
    .describe('Whether a collector’s start made it, or was given it: another start may replace it'),
});

export const key: z.ZodType<ShownKey> = answer('ApiKey', keyFields);

export const keys: z.ZodType<{ keys: ShownKey[] }> = answer(
  'ApiKeys',
  z.object({ keys: z.array(key).describe('Oldest first; none that is revoked') }),
);

const plain = z
  .string()
  .describe('The key itself: only its hash is kept, so it is not answered again');

export const madeKey: z.ZodType<ShownKey & { api_key: string }> = answer(
  'NewApiKey',
  keyFields.extend({ api_key: plain }),
);

export const rotatedKey: z.ZodType<ShownKey & { api_key: string; old: ShownKey }> = answer(
  'RotatedApiKey',
  keyFields.extend({ api_key: plain, old: key.describe('As it is now') }),
);

const projectFields = z.object({
  id: z.string(),
  project_name: z.string(),
  created_at: time,
  settings: projectSettings.describe(
    'What it has set for itself; else the collector’s options hold',
  ),
});

export const adminProject: z.ZodType<ShownProject> = answer('ProjectSetup', projectFields);

export const adminProjects: z.ZodType<{ projects: ShownProject[]; next: string | null }> = answer(
  'ProjectSetups',
  z.object({
    projects: z.array(adminProject).describe('By id'),
    next: z.string().nullable().describe('What `after` takes for the next page; null at the end'),
  }),
);

export const madeProject: z.ZodType<ShownProject & { api_key: string | null }> = answer(
  'NewProject',
  projectFields.extend({ api_key: plain.nullable() }),
);

export const acts: z.ZodType<{ acts: ShownAct[]; next: string | null }> = answer(
  'AuditPage',
  z.object({
    acts: z
      .array(
        z.object({
          id: z.string(),
          at_ms: z.int().describe('UNIX milliseconds'),
          project_id: z.string().nullable().describe('null for what concerns no single one'),
          actor: z.string(),
          act: z.string(),
          subject: z.string(),
          details: jsonObject,
        }),
      )
      .describe('Newest first'),
    next: z.string().nullable().describe('What `before` takes for the next page; null at the end'),
  }),
);
