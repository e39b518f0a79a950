import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { describeError } from '../../internal/hooks.ts';
import { refused } from '../option-checks.ts';

/** A certificate with its private key: each is the path of a PEM file, or PEM itself. */
export interface TlsOptions {
  /** The certificate, followed by those of the authorities between it and the root. */
  cert: string;
  key: string;
  /** Of an encrypted key. Environment: `PHOSPHO_COLLECTOR_TLS_PASSPHRASE`; it is no argument of the command. */
  passphrase?: string | undefined;
}

/** @throws PhosphoConfigError where one comes without the other */
export function resolveTls(
  given: TlsOptions | undefined,
  env: (name: string) => string | undefined,
): TlsOptions | undefined {
  const cert = given?.cert ?? env('TLS_CERT');
  const key = given?.key ?? env('TLS_KEY');
  if (cert === undefined && key === undefined) return undefined;
  for (const [name, value] of [
    ['tls.cert', cert],
    ['tls.key', key],
  ] as const) {
    if (typeof value !== 'string' || value === '')
      throw refused(name, 'the path of a PEM file, or PEM, beside the other of the two', 'nothing');
  }
  return {
    cert: String(cert),
    key: String(key),
    passphrase: given?.passphrase ?? env('TLS_PASSPHRASE'),
  };
}

/** How the server speaks TLS, with what the files hold now. */
export type Certificate = SecureContextOptions & { cert: string; key: string };

/** @throws PhosphoConfigError for a file that cannot be read, and for a key that is not the certificate's */
export function loadCertificate({ cert, key, passphrase }: TlsOptions): Certificate {
  const loaded: Certificate = {
    cert: pemOf('tls.cert', cert, /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/),
    key: pemOf('tls.key', key, /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/),
    minVersion: 'TLSv1.2',
    ...(passphrase !== undefined && { passphrase }),
  };
  try {
    createSecureContext({ cert: loaded.cert });
  } catch (error) {
    throw refused(
      'tls.cert',
      'a certificate in PEM that TLS can use',
      `another (${describeError(error)})`,
    );
  }
  try {
    createSecureContext(loaded);
  } catch (error) {
    throw refused(
      'tls.key',
      'the private key of tls.cert, and if it is encrypted its passphrase in PHOSPHO_COLLECTOR_TLS_PASSPHRASE',
      `another (${describeError(error)})`,
    );
  }
  return loaded;
}

/** Whether either is a file, which may change. */
export function isOfFiles({ cert, key }: TlsOptions): boolean {
  return !isPem(cert) || !isPem(key);
}

function pemOf(name: 'tls.cert' | 'tls.key', source: string, marker: RegExp): string {
  const takes = 'the path of a PEM file, or PEM';
  let pem = source;
  if (!isPem(source)) {
    try {
      pem = readFileSync(source, 'utf8');
    } catch (error) {
      throw refused(name, takes, `a path that cannot be read (${describeError(error)})`);
    }
  }
  if (marker.test(pem)) return pem;
  // What it holds instead may be the key, so it is not repeated.
  const what = name === 'tls.cert' ? 'CERTIFICATE' : 'PRIVATE KEY';
  throw refused(name, takes, `something without "-----BEGIN ${what}-----"`);
}

function isPem(source: string): boolean {
  return source.includes('-----BEGIN ');
}
