import * as z from 'zod';
import type { Eval, FlattenedTask, LoggedEvent, TaskContent } from '../../types.ts';
import { answer } from '../openapi/registry.ts';
import { jsonObject, time, verdictValue } from './shared.ts';

const text = z.string().nullable();

export const evaluation: z.ZodType<Eval> = answer(
  'Eval',
  z
    .object({
      id: z.string(),
      created_at: time,
      project_id: z.string(),
      session_id: text,
      task_id: z.string(),
      value: verdictValue,
      source: z.string().describe('Who gave it: user, owner …'),
      test_id: text,
      notes: text,
    })
    .describe('A verdict on a task'),
);

export const task: z.ZodType<TaskContent> = answer(
  'Task',
  z
    .object({
      id: z.string(),
      created_at: time,
      project_id: z.string(),
      org_id: z.null(),
      session_id: text,
      input: z.string(),
      additional_input: jsonObject
        .nullable()
        .describe('The raw input; a string or list stands under raw_input'),
      output: text,
      additional_output: jsonObject
        .nullable()
        .describe('The raw output; a string or list stands under raw_output'),
      metadata: jsonObject,
      data: jsonObject.nullable(),
      flag: verdictValue.nullable().describe('The last verdict'),
      last_eval: evaluation.nullable(),
      human_eval: evaluation.nullable(),
      events: z.array(z.never()).describe('This collector detects none'),
      environment: z.string(),
      notes: text,
      test_id: text,
      task_position: z
        .int()
        .min(1)
        .nullable()
        .describe('Its place in its session, 1 for the oldest'),
      is_last_task: z.boolean().nullable().describe('Whether it is the newest of its session'),
    })
    .describe('One exchange with a model'),
);

export const tasks: z.ZodType<{ tasks: TaskContent[] }> = answer(
  'Tasks',
  z.object({ tasks: z.array(task).describe('Newest first') }),
);

export const flattenedTasks: z.ZodType<{ flattened_tasks: FlattenedTask[] }> = answer(
  'FlattenedTasks',
  z.object({
    flattened_tasks: z.array(
      answer(
        'FlattenedTask',
        z.object({
          task_id: z.string(),
          task_input: z.string(),
          task_output: text,
          task_metadata: jsonObject,
          task_eval: verdictValue.nullable(),
          task_eval_source: text,
          task_eval_at: time.nullable(),
          task_created_at: time,
          session_id: text.exactOptional().describe('With with_sessions'),
          session_length: z.int().nullable().exactOptional().describe('With with_sessions'),
          event_name: z.null().exactOptional().describe('With with_events; none are detected here'),
          event_created_at: z.null().exactOptional().describe('With with_events'),
        }),
      ),
    ),
  }),
);

export const loggedEvents: z.ZodType<{ logged_events: LoggedEvent[] }> = answer(
  'LoggedEvents',
  z.object({
    logged_events: z
      .array(
        z.union([
          answer(
            'LoggedEvent',
            z
              .looseObject({
                task_id: z.string(),
                project_id: z.string(),
                input: z.string(),
                client_created_at: z.number(),
                created_at: time,
                environment: z.string(),
              })
              .describe('The event as it came, with what the server has filled in'),
          ),
          z.object({ error_in_log: z.string().describe('Why this event was not stored') }),
        ]),
      )
      .describe('One for each event that was sent, in the same order'),
  }),
) as z.ZodType<{ logged_events: LoggedEvent[] }>;

/** What an update of many answers. */
export const nothing: z.ZodType<null> = answer('Nothing', z.null());
