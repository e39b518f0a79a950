import type { RequestHandler } from 'express';
import { HttpError } from '../http/http-error.ts';

/**
 * Refuses writes that another site's page has caused. `SameSite` alone does not: for it, every port of this
 * machine is one site. Browsers send Sec-Fetch-Site or Origin truthfully; a client that sends neither has no
 * cookies to abuse.
 */
export const sameOriginWrites: RequestHandler = (req, _res, next) => {
  if (req.method === 'GET' || req.method === 'HEAD') return next();
  const site = req.headers['sec-fetch-site'];
  const isForeign =
    (site !== undefined && site !== 'same-origin') ||
    (req.headers.origin !== undefined && hostOf(req.headers.origin) !== req.headers.host);
  if (!isForeign) return next();
  next(new HttpError(403, 'Only the dashboard’s own pages may do this.'));
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
