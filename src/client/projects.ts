import { PhosphoArgumentError } from '../errors.ts';
import type { LogEvent, LoggedEvent, ProjectContent } from '../types.ts';
import { readLogged, readProject } from './answers.ts';
import type { Api } from './api.ts';
import { pathSegment } from './arguments.ts';

/** `GET /projects/{project_id}`. */
export async function readOwnProject(api: Api): Promise<ProjectContent> {
  return api.get(api.projectPath(), readProject);
}

/** `POST /log/{project_id}`. */
export async function logEvents(api: Api, events: readonly LogEvent[]): Promise<LoggedEvent[]> {
  if (!Array.isArray(events)) {
    throw new PhosphoArgumentError('events is not acceptable. Accepted: an array of log events.');
  }
  const path = `/log/${pathSegment('the project id', api.projectId())}`;
  if (events.length === 0) return [];
  return api.post(path, { batched_log_events: events }, (answer, call) =>
    readLogged(answer, call, events.length),
  );
}
