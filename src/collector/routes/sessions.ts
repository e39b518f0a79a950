import * as z from 'zod';
import type { SessionContent, TaskContent } from '../../types.ts';
import { assertProject } from '../http/authenticate.ts';
import { notFound } from '../http/http-error.ts';
import { jsonObject } from '../inputs/json.ts';
import { readListing } from '../inputs/listing.ts';
import { readBody } from '../inputs/read.ts';
import type { Exchange } from '../store/store.ts';
import { type KeyedCall, keyed, param, type Route } from './route.ts';

/** `/sessions`: one session, its tasks and its transcript. */
export const sessionRoutes: readonly Route[] = [
  keyed('POST', '/sessions', createSession),
  keyed('GET', '/sessions/:session_id', knownSession),
  keyed('POST', '/sessions/:session_id', updateSession),
  keyed('GET', '/sessions/:session_id/tasks', listTasks),
  keyed('POST', '/sessions/:session_id/tasks', listTasks),
  keyed('GET', '/sessions/:session_id/transcript', getTranscript),
];

const creation = z.object({ project_id: z.string(), data: jsonObject.nullish() });

async function createSession({ body, key, store }: KeyedCall): Promise<SessionContent> {
  const { project_id, data } = readBody(creation, body);
  assertProject(key, project_id);
  return store.sessions.create(key.projectId, data ?? null);
}

/** The session of the path. It is 404 to list the tasks of a session that is not there. */
async function knownSession(call: KeyedCall): Promise<SessionContent> {
  const sessionId = param(call, 'session_id');
  const session = await call.store.sessions.find(call.key.projectId, sessionId);
  if (session === undefined) throw notFound('Session', sessionId);
  return session;
}

const update = z.object({
  metadata: jsonObject.nullish(),
  data: jsonObject.nullish(),
  preview: z.string().nullish(),
  notes: z.string().nullish(),
});

/** What is null or absent stays; `metadata` and `data` are replaced whole. */
async function updateSession(call: KeyedCall): Promise<SessionContent> {
  const sessionId = param(call, 'session_id');
  const { metadata, data, preview, notes } = readBody(update, call.body);
  const session = await call.store.sessions.change(call.key.projectId, sessionId, {
    metadata: metadata ?? undefined,
    data: data ?? undefined,
    preview: preview ?? undefined,
    notes: notes ?? undefined,
  });
  if (session === undefined) throw notFound('Session', sessionId);
  return session;
}

async function listTasks(call: KeyedCall): Promise<{ tasks: TaskContent[] }> {
  const { filters, limit } = readListing(call);
  const { id } = await knownSession(call);
  const tasks = await call.store.tasks.list(call.key.projectId, {
    filters: { ...filters, sessions_ids: [id] },
    limit,
  });
  return { tasks };
}

async function getTranscript(call: KeyedCall): Promise<{ transcript: string }> {
  const { id } = await knownSession(call);
  const exchanges = await call.store.sessions.exchanges(call.key.projectId, id);
  return { transcript: exchanges.map(written).join('') };
}

function written({ input, output }: Exchange): string {
  return `User: ${input}\nAssistant: ${output ?? ''}\n`;
}
