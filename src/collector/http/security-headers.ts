import type { RequestHandler } from 'express';
import helmet, { strictTransportSecurity } from 'helmet';
import { isLoopback } from '../network/exposure.ts';
import { addressIn } from './host-guard.ts';

/** For answers that no page shows or loads: JSON, metrics, redirects. The dashboard puts its own policy in its place. */
const HEADERS: RequestHandler = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  referrerPolicy: { policy: 'no-referrer' },
  strictTransportSecurity: false,
});

/** Other names of the same domain are not ours to speak for. */
const HSTS: RequestHandler = strictTransportSecurity({ includeSubDomains: false });

/**
 * What browsers are told to refuse, with every answer. That the host is to be asked over HTTPS only is said over
 * HTTPS; not of this machine's own names, where browsers would remember it for every port, and not for an app
 * that the collector is mounted in, whose name it is.
 */
export const SECURITY_HEADERS: RequestHandler = (req, res, next) => {
  HEADERS(req, res, (error?: unknown) => {
    if (error !== undefined) return next(error);
    const { parent } = req.app as { parent?: unknown };
    if (req.secure && parent === undefined && !isLoopback(addressIn(req.headers.host)))
      return HSTS(req, res, next);
    next();
  });
};
