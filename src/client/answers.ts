import { PhosphoAnswerError } from '../errors.ts';
import type {
  Comparison,
  FlattenedTask,
  JsonObject,
  LoggedEvent,
  ProjectContent,
  SessionContent,
  TaskContent,
  TestContent,
} from '../types.ts';
import type { Call } from './failures.ts';

type Kind = 'string' | 'number' | 'object' | 'array';
type Fields = Readonly<Record<string, Kind>>;

const TASK: Fields = { id: 'string', created_at: 'number', project_id: 'string', input: 'string' };
const SESSION: Fields = { id: 'string', created_at: 'number', project_id: 'string' };
const TEST: Fields = {
  ...SESSION,
  created_by: 'string',
  last_updated_at: 'number',
  status: 'string',
};
const COMPARISON: Fields = {
  ...SESSION,
  context_input: 'string',
  old_output: 'string',
  new_output: 'string',
  comparison_result: 'string',
  source: 'string',
};

export function readTask(answer: unknown, call: Call, at: string = ''): TaskContent {
  return shape<TaskContent>(answer, call, at, TASK, { events: [] });
}

export function readSession(answer: unknown, call: Call, at: string = ''): SessionContent {
  return shape<SessionContent>(answer, call, at, SESSION, { events: [], session_length: 0 });
}

export function readTest(answer: unknown, call: Call): TestContent {
  return shape<TestContent>(answer, call, '', TEST, { summary: {} });
}

export function readComparison(answer: unknown, call: Call): Comparison {
  return shape<Comparison>(answer, call, '', COMPARISON);
}

export function readProject(answer: unknown, call: Call): ProjectContent {
  return shape<ProjectContent>(answer, call, '', { id: 'string' });
}

export function readTasks(answer: unknown, call: Call): TaskContent[] {
  return list(answer, call, 'tasks', readTask);
}

export function readSessions(answer: unknown, call: Call): SessionContent[] {
  return list(answer, call, 'sessions', readSession);
}

export function readFlatTasks(answer: unknown, call: Call): FlattenedTask[] {
  return list(answer, call, 'flattened_tasks', (item, _, at) =>
    shape<FlattenedTask>(item, call, at, { task_id: 'string' }),
  );
}

export function readTranscript(answer: unknown, call: Call): string {
  return shape<{ transcript: string }>(answer, call, '', { transcript: 'string' }).transcript;
}

/** As many events as were sent: by their place alone the sender knows which of them failed. */
export function readLogged(answer: unknown, call: Call, sent: number): LoggedEvent[] {
  const events = list(answer, call, 'logged_events', (item, _, at) => {
    const event = shape<JsonObject>(item, call, at, {});
    const fields: Fields = 'error_in_log' in event ? { error_in_log: 'string' } : {};
    return shape<LoggedEvent>(event, call, at, fields);
  });
  if (events.length === sent) return events;
  throw new PhosphoAnswerError(
    `the answer's logged_events has ${events.length} items for ${sent} events sent`,
    call,
  );
}

function list<T>(
  answer: unknown,
  call: Call,
  field: string,
  read: (item: unknown, call: Call, at: string) => T,
): T[] {
  const object = shape<Record<string, unknown[]>>(answer, call, '', { [field]: 'array' });
  return (object[field] ?? []).map((item, index) => read(item, call, `${field}[${index}]`));
}

/** The answer itself, if its fields are as promised. `defaults` fill in what a server may leave out. */
function shape<T extends object>(
  value: unknown,
  call: Call,
  at: string,
  fields: Fields,
  defaults: JsonObject = {},
): T {
  if (kindOf(value) !== 'object') throw mismatch(call, at, 'object', value);
  const object = value as JsonObject;
  for (const [field, fallback] of Object.entries(defaults)) {
    object[field] ??= structuredClone(fallback);
    check(object, field, kindOf(fallback));
  }
  for (const [field, kind] of Object.entries(fields)) check(object, field, kind);
  return object as T;

  function check(owner: JsonObject, field: string, kind: string): void {
    const path = at === '' ? field : `${at}.${field}`;
    if (kindOf(owner[field]) !== kind) throw mismatch(call, path, kind, owner[field]);
  }
}

function mismatch(call: Call, at: string, kind: string, value: unknown): PhosphoAnswerError {
  const what = at === '' ? 'the answer' : `the answer's ${at}`;
  return new PhosphoAnswerError(`${what} should be of type ${kind}, but is ${kindOf(value)}`, call);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
