import { BlockList, isIP } from 'node:net';
import { PhosphoConfigError } from '../../errors.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine reaches what listens there. Of names, which may mean anything, only `localhost` does. */
export function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return /^localhost\.?$/i.test(host);
  return LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Keys, captured texts and the dashboard's cookie do not cross a network unencrypted by accident.
 *
 * @throws PhosphoConfigError that names the three ways out
 */
export function assertMayListen(
  host: string,
  { hasTls, isBehindProxy }: { hasTls: boolean; isBehindProxy: boolean },
): void {
  if (hasTls || isBehindProxy || isLoopback(host)) return;
  throw new PhosphoConfigError(
    `host ${host} can be reached from other machines, and keys and captured texts would cross the network ` +
      'unencrypted. Do one of these: give a certificate (tls: { cert, key }; --tls-cert <file> --tls-key <file>; ' +
      'PHOSPHO_COLLECTOR_TLS_CERT and PHOSPHO_COLLECTOR_TLS_KEY); or, where a proxy in front ends TLS, say so ' +
      '(behindProxy: true; --behind-proxy; PHOSPHO_COLLECTOR_BEHIND_PROXY=1); or stay on this machine ' +
      '(--host 127.0.0.1)',
  );
}
