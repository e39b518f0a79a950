import type { Request, Response } from 'express';
import { ADMIN_TOKEN, theKey } from '../admin/actors.ts';
import type { Context } from '../routes/route.ts';
import type { KeyRecord, KeyStore } from '../store/store.ts';
import { assertProject, assertScope, noteUse } from './authenticate.ts';
import { bearerOf, CHALLENGE, isSameSecret } from './bearer.ts';
import { HttpError, notFound } from './http-error.ts';
import { recogniseKey } from './keys.ts';
import { noteProject } from './observe.ts';

/** Who administers: the holder of the admin token, for all projects, or of a key with the scope `admin`, for its own. */
interface Admin {
  key: KeyRecord | undefined;
  /** As the audit names them. */
  actor: string;
}

/**
 * Lets in whoever may administer what a path names.
 *
 * @param projectId - undefined where the path names no project
 * @throws HttpError 401, 403, 429 for a key of a project that has reached its limit, or 404 for a project that there is not
 */
export async function enterAdmin(
  context: Pick<Context, 'store' | 'keyUses' | 'adminToken' | 'limits'>,
  projectId: string | undefined,
  req: Request,
  res: Response,
): Promise<{ projectId: string; actor: string }> {
  const { store, adminToken } = context;
  const { key, actor } = await adminOf(req, store.keys, adminToken);
  if (key !== undefined) {
    noteUse(context, key, res);
    assertMayAdminister(key, projectId);
    await context.limits.request(key.projectId, 'others');
  } else if (projectId !== undefined) {
    if ((await store.projects.find(projectId)) === undefined) throw notFound('Project', projectId);
    noteProject(res, projectId);
  }
  return { projectId: projectId ?? '', actor };
}

/**
 * The admin whom a request's Authorization header names. What is neither token nor key is refused alike, and as
 * slowly, whether or not a token is configured.
 *
 * @throws HttpError 401
 */
async function adminOf(
  req: Request,
  keys: Pick<KeyStore, 'find'>,
  adminToken: string | undefined,
): Promise<Admin> {
  if (req.headers.authorization === undefined) {
    throw new HttpError(
      401,
      'Missing API key or admin token. Send the header "Authorization: Bearer <api key or admin token>".',
      CHALLENGE,
    );
  }
  const given = bearerOf(req) ?? '';
  const isToken = isSameSecret(given, adminToken ?? '');
  if (isToken && adminToken !== undefined) return { key: undefined, actor: ADMIN_TOKEN };
  const key = await recogniseKey(keys, given);
  if (key === undefined) throw new HttpError(401, 'Invalid API key or admin token', CHALLENGE);
  return { key, actor: theKey(key) };
}

/** @throws HttpError 403 where the key is not for this */
function assertMayAdminister(key: KeyRecord, projectId: string | undefined): void {
  assertScope(key, 'admin');
  if (projectId === undefined) {
    throw new HttpError(
      403,
      'This concerns more than one project, and an API key is of one. It takes the admin token of the collector ' +
        '(PHOSPHO_COLLECTOR_ADMIN_TOKEN), or `phospho-express collector` on its machine.',
    );
  }
  assertProject(key, projectId);
}
