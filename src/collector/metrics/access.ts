import type { Request } from 'express';
import { bearerOf, CHALLENGE, isSameSecret } from '../http/bearer.ts';
import { addressIn } from '../http/host-guard.ts';
import { HttpError } from '../http/http-error.ts';
import { isLoopback } from '../network/exposure.ts';

/** What proxies add. */
const FORWARDED = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
];

/**
 * Lets in whoever brings the token. Without one configured: requests of this machine alone, and not those that
 * a proxy on it passes on.
 *
 * @throws HttpError 401
 */
export function assertMayReadMetrics(req: Request, token: string | undefined): void {
  if (token === undefined ? isLocal(req) : hasToken(req, token)) return;
  throw new HttpError(
    401,
    token === undefined
      ? 'Metrics are for this machine alone, unless the collector has a metricsToken (--metrics-token, ' +
          'PHOSPHO_COLLECTOR_METRICS_TOKEN), which is then sent as "Authorization: Bearer <token>".'
      : 'Metrics need the header "Authorization: Bearer <metrics token>".',
    CHALLENGE,
  );
}

function isLocal(req: Request): boolean {
  const address = req.socket.remoteAddress ?? '';
  return (
    isLoopback(addressIn(req.headers.host)) &&
    /^(?:::ffff:)?127\.|^::1$/.test(address) &&
    FORWARDED.every((name) => req.headers[name] === undefined)
  );
}

function hasToken(req: Request, token: string): boolean {
  const given = bearerOf(req);
  return given !== undefined && isSameSecret(given, token);
}
