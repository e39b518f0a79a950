import { createKey, type KeysOf, revokeKey, rotateKey } from '../../admin/keys.ts';
import { shownKey } from '../../admin/shown.ts';
import { key, keys, madeKey, rotatedKey } from '../../answers/admin.ts';
import { newKey, rotation, wishOf } from '../../inputs/admin.ts';
import { type AdminCall, administered, param, type Route } from '../route.ts';

const KEYS = '/admin/projects/:project_id/keys';
const tag = 'Administration';

/** `/admin/projects/{project_id}/keys`: who may use a project. */
export const keyRoutes: readonly Route[] = [
  administered({
    method: 'GET',
    path: KEYS,
    tag,
    summary: 'List the keys of a project',
    description: 'Those that are revoked are left out, and those that expired 30 days ago.',
    answer: keys,
    errors: [404],
    handle: async ({ store, projectId }) => ({
      keys: (await store.keys.list(projectId)).map(shownKey),
    }),
  }),
  administered({
    method: 'POST',
    path: KEYS,
    tag,
    summary: 'Make a key',
    description:
      'Whoever administers a project may make keys of it with any scope. The key is in this answer alone.',
    body: newKey,
    answer: madeKey,
    errors: [404, 409],
    example: { name: 'web shop', scopes: ['write'] },
    handle: async (call) => {
      const made = await createKey(keysOf(call), wishOf(call.body));
      return { ...shownKey(made.key), api_key: made.plain };
    },
  }),
  administered({
    method: 'POST',
    path: `${KEYS}/:key_id/rotate`,
    tag,
    summary: 'Put a new key in the place of one',
    description:
      'The new one has the name and scopes of the old one, which works on for the grace. A key is rotated once: ' +
      'of two rotations at once, one is 409, which names the new key.',
    body: rotation,
    answer: rotatedKey,
    errors: [404, 409],
    example: { grace_ms: 3_600_000 },
    handle: async (call) => {
      const { grace_ms: graceMs, expires_at: expiresAt } = call.body;
      const id = param(call, 'key_id');
      const made = await rotateKey(keysOf(call), id, { graceMs, expiresAt });
      return { ...shownKey(made.key), api_key: made.plain, old: shownKey(made.old) };
    },
  }),
  administered({
    method: 'DELETE',
    path: `${KEYS}/:key_id`,
    tag,
    summary: 'Revoke a key',
    description:
      'From then on all collectors refuse it, also when one is started with it. The last key with the scope ' +
      '`admin` may be revoked too: the admin token and the command line can make another.',
    answer: key,
    errors: [404],
    handle: async (call) => shownKey(await revokeKey(keysOf(call), param(call, 'key_id'))),
  }),
];

function keysOf({
  store,
  projectId,
  actor,
}: Pick<AdminCall, 'store' | 'projectId' | 'actor'>): KeysOf {
  return { keys: store.keys, projectId, actor };
}
