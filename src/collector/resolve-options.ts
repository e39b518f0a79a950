import { isIPv6 } from 'node:net';
import type { Logger } from '../internal/logger.ts';
import type { AuditLogEntry } from './admin/audit-log.ts';
import type { RequestLogEntry } from './http/observe.ts';
import type { ResolvedJudge } from './judge/options.ts';
import { resolveJudge } from './judge/resolve.ts';
import { type ResolvedLimits, resolveLimits } from './limits/limit-values.ts';
import { MAX_RETENTION_DAYS, type Retention } from './model/retention.ts';
import { FLAG_WAIT_MS } from './model/task-waiters.ts';
import { resolveTls, type TlsOptions } from './network/certificate.ts';
import { resolveBehindProxy, type TrustedProxies } from './network/proxy.ts';
import { flagOf, integer, list, matching, refused, secret } from './option-checks.ts';
import type { CollectorOptions } from './options.ts';
import type { Database } from './store/database.ts';

/** Every option, checked. */
export interface ResolvedOptions {
  database: Database;
  project: string;
  apiKey: string | undefined;
  dashboardToken: string | undefined;
  host: string;
  port: number;
  tls: TlsOptions | undefined;
  behindProxy: TrustedProxies;
  allowedHosts: readonly string[];
  embedded: boolean;
  publicFlags: boolean;
  maxBodyBytes: number;
  logger: Logger;
  flagWaitMs: number;
  limits: ResolvedLimits;
  judge: ResolvedJudge | undefined;
  metricsToken: string | undefined;
  adminToken: string | undefined;
  auditLog: boolean | ((entry: AuditLogEntry) => void);
  requestLog: boolean | ((entry: RequestLogEntry) => void);
  retention: Retention;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Fills and checks the options.
 *
 * @throws PhosphoConfigError that names the option, what it takes and what came
 */
export function resolveOptions(
  options: CollectorOptions,
  environment: Environment = process.env,
): ResolvedOptions {
  const env = (name: string) => environment[`PHOSPHO_COLLECTOR_${name}`] || undefined;
  const requestLog =
    typeof options.requestLog === 'function'
      ? options.requestLog
      : flagOf('requestLog', options.requestLog ?? env('REQUEST_LOG') ?? false);
  return {
    database: databaseOf(options.database ?? env('DATABASE') ?? 'sqlite:./phospho.db', {
      poolSize: integer('poolSize', options.poolSize ?? env('POOL_SIZE') ?? 10, 2, 500),
      partitions: integer('partitions', options.partitions ?? env('PARTITIONS') ?? 0, 0, 1024),
    }),
    project: matching('project', options.project ?? env('PROJECT') ?? 'demo', PROJECT),
    ...secretsOf(options, env),
    host: hostOf('host', options.host ?? env('HOST') ?? '127.0.0.1'),
    port: integer('port', options.port ?? env('PORT') ?? 7700, 0, 65_535),
    tls: resolveTls(options.tls, env),
    behindProxy: resolveBehindProxy(options.behindProxy ?? env('BEHIND_PROXY') ?? false),
    embedded: flagOf('embedded', options.embedded ?? false),
    allowedHosts: (options.allowedHosts ?? list(env('ALLOWED_HOSTS'))).map((host) =>
      hostOf('allowedHosts', host),
    ),
    publicFlags: flagOf('publicFlags', options.publicFlags ?? env('PUBLIC_FLAGS') ?? false),
    maxBodyBytes: integer(
      'maxBodyBytes',
      options.maxBodyBytes ?? env('MAX_BODY_BYTES') ?? 32 * 2 ** 20,
      1024,
      2 ** 30,
    ),
    logger: options.logger ?? console,
    flagWaitMs: integer(
      'flagWaitMs',
      options.flagWaitMs ?? env('FLAG_WAIT_MS') ?? FLAG_WAIT_MS,
      0,
      120_000,
    ),
    limits: resolveLimits(options, env),
    judge: resolveJudge(options.judge ?? {}, environment),
    retention: {
      days: integer(
        'retentionDays',
        options.retentionDays ?? env('RETENTION_DAYS') ?? 0,
        0,
        MAX_RETENTION_DAYS,
      ),
      bytes: integer(
        'retentionBytes',
        options.retentionBytes ?? env('RETENTION_BYTES') ?? 0,
        0,
        Number.MAX_SAFE_INTEGER,
      ),
    },
    requestLog,
    auditLog:
      typeof options.auditLog === 'function'
        ? options.auditLog
        : flagOf('auditLog', options.auditLog ?? env('AUDIT_LOG') ?? requestLog === true),
  };
}

/** Whoever knows one of them must not have what another opens: it may be in more hands. */
function secretsOf(options: CollectorOptions, env: (name: string) => string | undefined) {
  const secrets = {
    apiKey: secret('apiKey', options.apiKey ?? env('API_KEY')),
    dashboardToken: secret('dashboardToken', options.dashboardToken ?? env('DASHBOARD_TOKEN')),
    metricsToken: secret('metricsToken', options.metricsToken ?? env('METRICS_TOKEN')),
    adminToken: secret('adminToken', options.adminToken ?? env('ADMIN_TOKEN')),
  };
  const seen = new Map<string, string>();
  for (const [name, value] of Object.entries(secrets)) {
    if (value === undefined) continue;
    const same = seen.get(value);
    if (same !== undefined) throw refused(name, 'a secret of its own', `the same as ${same}`);
    seen.set(value, name);
  }
  return secrets;
}

/** What a project may be called by. In the path of a URL, `.` and `..` would name another place. */
export const PROJECT: { pattern: RegExp; takes: string } = {
  pattern: /^(?!\.\.?$)[A-Za-z0-9._-]{1,128}$/,
  takes: '1 to 128 letters, digits, ".", "_" or "-", but not "." or ".."',
};
const HOST = {
  // With colons it is an IPv6 address, which has two at least.
  pattern: /^(?:[A-Za-z0-9._-]{1,253}|(?=[^:]*:[^:]*:)[0-9A-Fa-f:.]{2,45})$/,
  takes: 'a host name or address, without scheme, port or brackets, e.g. 127.0.0.1',
};

function hostOf(name: 'host' | 'allowedHosts', value: string): string {
  const host = matching(name, value, HOST);
  if (!host.includes(':') || isIPv6(host)) return host;
  throw refused(name, HOST.takes, JSON.stringify(value));
}

function databaseOf(
  database: string,
  ofPostgres: { poolSize: number; partitions: number },
): Database {
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(database)?.[1];
  if (path !== undefined && !path.includes('\u0000')) {
    if (ofPostgres.partitions === 0) return { kind: 'sqlite', path };
    throw refused('partitions', '0 with SQLite, which has none', String(ofPostgres.partitions));
  }
  const isPostgres = /^postgres(?:ql)?:\/\/[^\s\p{Cc}]+$/u.test(database);
  if (isPostgres && URL.canParse(database))
    return { kind: 'postgres', url: database, ...ofPostgres };
  // A database URL may hold a password, so it is not repeated.
  const scheme = /^[a-z]+:/i.exec(database)?.[0];
  throw refused(
    'database',
    'sqlite:<path>, sqlite::memory: or postgres://<user>:<password>@<host>:<port>/<name>',
    scheme === undefined ? 'a value without scheme' : `another value, which starts with ${scheme},`,
  );
}
