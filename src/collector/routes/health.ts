import { health } from '../answers/others.ts';
import { HttpError } from '../http/http-error.ts';
import { open, type Route } from './route.ts';

/** `GET /health`, at the root and below `/v2`: 200 while the database answers. */
export const healthRoutes: readonly Route[] = [
  open({
    method: 'GET',
    path: '/health',
    roots: ['', '/v2'],
    tag: 'Service',
    summary: 'Whether the collector and its database answer',
    answer: health,
    handle: async ({ store }) => {
      await store.check().catch(() => {
        throw new HttpError(503, 'The database does not answer', { 'retry-after': '5' });
      });
      return { status: 'ok' as const };
    },
  }),
];
