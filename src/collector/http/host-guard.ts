import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import type { RequestHandler } from 'express';
import { HttpError } from './http-error.ts';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** Load balancers ask by an address, or by no name at all, and a web page learns nothing of the answer. */
const HEALTH = /^\/(?:v2\/)?health\/?$/i;

/**
 * Lets in only requests that are addressed to this server by a name it goes by. A web page that has its own
 * name point at 127.0.0.1 (DNS rebinding) reaches the port, but its Host header tells. `/health` is for everybody.
 */
export function guardHost(boundHost: string, allowedHosts: readonly string[]): RequestHandler {
  const known = new Set([...LOOPBACK, ...[boundHost, ...allowedHosts].map(canonical)]);
  return (req, _res, next) => {
    if (countHosts(req) > 1) return next(new HttpError(400, 'There is more than one Host header'));
    if (HEALTH.test(req.path)) return next();
    // A target that names a host itself (`GET http://host/path`) goes before the header.
    const [, target] = /^[a-z][a-z\d+.-]*:\/\/([^/?#]*)/i.exec(req.originalUrl) ?? [];
    const names = [
      hostnameOf(req.headers.host),
      ...(target === undefined ? [] : [hostnameOf(target)]),
    ];
    if (names.every((name) => name !== undefined && known.has(name))) return next();
    next(
      new HttpError(
        403,
        'This server does not go by the name in the Host header. If it should, add the name to ' +
          'allowedHosts (--allowed-host, PHOSPHO_COLLECTOR_ALLOWED_HOSTS). A collector that is mounted in an app ' +
          'takes all names with embedded: true.',
      ),
    );
  };
}

/** Node keeps the first alone, where a proxy may have looked at the last. */
function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') count++;
  }
  return count;
}

/** As it is compared with a Host header: in lower case, an address in its shortest form. */
function canonical(host: string): string | undefined {
  return hostnameOf(isIPv6(host) ? `[${host}]` : host);
}

/** Of a Host header, without port; undefined where it is no such header. */
function hostnameOf(header: string | undefined): string | undefined {
  // URL parsing would drop a user name or a path, and let `evil@localhost` or `localhost/x` pass.
  if (header === undefined || !/^[\w.:[\]-]+$/.test(header)) return undefined;
  try {
    return new URL(`http://${header}`).hostname.replace(/\.$/, '');
  } catch {
    return undefined;
  }
}

/** The host name or address in a Host header, without brackets; '' where it is no such header. */
export function addressIn(header: string | undefined): string {
  return (hostnameOf(header) ?? '').replace(/^\[|\]$/g, '');
}
