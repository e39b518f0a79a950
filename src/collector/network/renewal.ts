import type { Server } from 'node:https';
import { describeError } from '../../internal/hooks.ts';
import type { GuardedLogger } from '../../internal/logger.ts';
import { type Certificate, isOfFiles, loadCertificate, type TlsOptions } from './certificate.ts';

/** Two small files. Watchers would miss the symbolic links that certbot and Kubernetes put in their place. */
const LOOK_MS = 2000;

/**
 * Has new connections use what the files hold, soon after they have changed. What cannot be used is said, once
 * until it changes again, and the last good one stays.
 *
 * @param first - what the server has begun with
 * @returns ends it
 */
export function followRenewals(
  server: Server,
  tls: TlsOptions,
  first: Certificate,
  logger: GuardedLogger,
): () => void {
  if (!isOfFiles(tls)) return () => {};
  let inUse = first.cert + first.key;
  let complaint: string | undefined;
  const look = () => {
    try {
      const found = loadCertificate(tls);
      const text = found.cert + found.key;
      complaint = undefined;
      if (text === inUse) return;
      server.setSecureContext(found);
      inUse = text;
    } catch (error) {
      const reason = describeError(error);
      if (reason === complaint) return;
      complaint = reason;
      logger.say(
        'error',
        `the changed TLS certificate is not used, the one before stays: ${reason}`,
      );
    }
  };
  const timer = setInterval(look, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
