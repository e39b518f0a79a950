import * as z from 'zod';
import type {
  Comparison,
  ComparisonResult,
  ProjectContent,
  SessionContent,
  TestContent,
} from '../../types.ts';
import { answer } from '../openapi/registry.ts';
import { jsonObject, time } from './shared.ts';

const text = z.string().nullable();

export const session: z.ZodType<SessionContent> = answer(
  'Session',
  z
    .object({
      id: z.string(),
      created_at: time,
      project_id: z.string(),
      org_id: z.null(),
      metadata: jsonObject.nullable(),
      data: jsonObject.nullable(),
      notes: text,
      preview: text.describe('The first exchange, shortened'),
      environment: z.string(),
      events: z.array(z.never()).describe('This collector detects none'),
      tasks: z.null().describe('They have a route of their own'),
      session_length: z.int().min(0).describe('How many tasks it has'),
      last_message_ts: time.nullable(),
    })
    .describe('Tasks that belong together'),
);

export const sessions: z.ZodType<{ sessions: SessionContent[] }> = answer(
  'Sessions',
  z.object({ sessions: z.array(session).describe('Newest first') }),
);

export const transcript: z.ZodType<{ transcript: string }> = answer(
  'Transcript',
  z.object({
    transcript: z
      .string()
      .describe('"User: …\\nAssistant: …\\n" for each task, oldest first')
      .meta({ examples: ['User: Hi\nAssistant: Hello!\n'] }),
  }),
);

export const project: z.ZodType<ProjectContent> = answer(
  'Project',
  z.object({
    id: z.string(),
    project_name: z.string(),
    org_id: z.null(),
    created_at: time,
  }),
);

export const test: z.ZodType<TestContent> = answer(
  'Test',
  z
    .object({
      id: z.string(),
      project_id: z.string(),
      org_id: z.null(),
      created_by: z.string(),
      created_at: time,
      last_updated_at: time,
      terminated_at: time.nullable(),
      status: z.enum(['started', 'completed', 'canceled']),
      summary: jsonObject.describe('With overall_score, 0 to 1 or null, once it is completed'),
    })
    .describe('A named run of evaluations and comparisons'),
);

export const RESULTS: [ComparisonResult, ...ComparisonResult[]] = [
  'Old output is better',
  'New output is better',
  'Same quality',
  'Both are bad',
  'Error',
];

export const comparison: z.ZodType<Comparison> = answer(
  'Comparison',
  z
    .object({
      id: z.string(),
      created_at: time,
      project_id: z.string(),
      instructions: text,
      context_input: z.string(),
      old_output: z.string(),
      new_output: z.string(),
      comparison_result: z
        .enum(RESULTS)
        .describe('"Same quality" also where the verdict changes with the order of the answers'),
      source: z.string().describe('The model that judged'),
      test_id: text,
      reason: text.describe('In the judge’s words; for "Error", what went wrong'),
    })
    .describe('What a judge said of two answers to one input'),
);

export const removed: z.ZodType<{ deleted_tasks: number; deleted_sessions: number }> = answer(
  'Removed',
  z.object({ deleted_tasks: z.int().min(0), deleted_sessions: z.int().min(0) }),
);

export const health: z.ZodType<{ status: 'ok' }> = answer(
  'Health',
  z.object({ status: z.literal('ok') }),
);
