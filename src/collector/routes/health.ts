import { HttpError } from '../http/http-error.ts';
import type { Route } from './route.ts';

/** `GET /health`, at the root and below `/v2`: 200 while the database answers. */
export const healthRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/health',
    access: 'open',
    handle: async ({ store }) => {
      await store.check().catch(() => {
        throw new HttpError(503, 'The database does not answer');
      });
      return { status: 'ok' };
    },
  },
];
