import * as z from 'zod';
import type { SessionContent, TaskContent } from '../../types.ts';
import { session, transcript } from '../answers/others.ts';
import { tasks } from '../answers/tasks.ts';
import { assertProject } from '../http/authenticate.ts';
import { notFound } from '../http/http-error.ts';
import { jsonObject } from '../inputs/json.ts';
import {
  type ListingBody,
  type ListingQuery,
  listingBody,
  listingOf,
  listingQuery,
} from '../inputs/listing.ts';
import { request } from '../openapi/registry.ts';
import type { Exchange } from '../store/store.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

const creation = request(
  'SessionCreation',
  z.object({ project_id: z.string(), data: jsonObject.nullish() }),
);

const update = request(
  'SessionUpdate',
  z
    .object({
      metadata: jsonObject.nullish(),
      data: jsonObject.nullish(),
      preview: z.string().nullish(),
      notes: z.string().nullish(),
    })
    .describe('What is null or absent stays; metadata and data are replaced whole'),
);

const ofOne = {
  path: '/sessions/:session_id',
  tag: 'Sessions',
  answer: session,
  errors: [404],
} as const;
const ofTasks = {
  path: '/sessions/:session_id/tasks',
  scope: 'read',
  tag: 'Sessions',
  summary: 'List the tasks of a session',
  query: listingQuery,
  answer: tasks,
  errors: [404],
} as const;

/** `/sessions`: one session, its tasks and its transcript. */
export const sessionRoutes: readonly Route[] = [
  keyed({
    method: 'POST',
    path: '/sessions',
    scope: 'write',
    tag: 'Sessions',
    summary: 'Create a session',
    body: creation,
    answer: session,
    example: { project_id: 'demo', data: { channel: 'web' } },
    handle: createSession,
  }),
  keyed({
    ...ofOne,
    method: 'GET',
    scope: 'read',
    summary: 'Read a session',
    handle: knownSession,
  }),
  keyed({
    ...ofOne,
    method: 'POST',
    scope: 'write',
    summary: 'Change a session',
    body: update,
    example: { notes: 'Asked twice' },
    handle: updateSession,
  }),
  keyed({ ...ofTasks, method: 'GET', handle: listTasks }),
  keyed({ ...ofTasks, method: 'POST', body: listingBody, handle: listTasks }),
  keyed({
    method: 'GET',
    path: '/sessions/:session_id/transcript',
    scope: 'read',
    tag: 'Sessions',
    summary: 'Read a session as a text',
    answer: transcript,
    errors: [404],
    handle: getTranscript,
  }),
];

async function createSession({
  body,
  key,
  store,
}: KeyedCall<undefined, z.infer<typeof creation>>): Promise<SessionContent> {
  assertProject(key, body.project_id);
  return store.sessions.create(key.projectId, body.data ?? null);
}

/** The session of the path. It is 404 to list the tasks of a session that is not there. */
async function knownSession(call: KeyedCall): Promise<SessionContent> {
  const sessionId = param(call, 'session_id');
  const found = await call.store.sessions.find(call.key.projectId, sessionId);
  if (found === undefined) throw notFound('Session', sessionId);
  return found;
}

async function updateSession(
  call: KeyedCall<undefined, z.infer<typeof update>>,
): Promise<SessionContent> {
  const sessionId = param(call, 'session_id');
  const { metadata, data, preview, notes } = call.body;
  const found = await call.store.sessions.change(call.key.projectId, sessionId, {
    metadata: metadata ?? undefined,
    data: data ?? undefined,
    preview: preview ?? undefined,
    notes: notes ?? undefined,
  });
  if (found === undefined) throw notFound('Session', sessionId);
  return found;
}

async function listTasks(
  call: KeyedCall<ListingQuery, ListingBody | undefined>,
): Promise<{ tasks: TaskContent[] }> {
  const { filters, limit } = listingOf(call);
  const { id } = await knownSession(call);
  const found = await call.store.tasks.list(call.key.projectId, {
    filters: { ...filters, sessions_ids: [id] },
    limit,
  });
  return { tasks: found };
}

async function getTranscript(call: KeyedCall): Promise<{ transcript: string }> {
  const { id } = await knownSession(call);
  const exchanges = await call.store.sessions.exchanges(call.key.projectId, id);
  return { transcript: exchanges.map(written).join('') };
}

function written({ input, output }: Exchange): string {
  return `User: ${input}\nAssistant: ${output ?? ''}\n`;
}
