import { PhosphoConfigError } from '../errors.ts';
import type { Logger } from '../internal/logger.ts';
import { FLAG_WAIT_MS } from './model/task-waiters.ts';
import type { CollectorOptions } from './options.ts';

/** Every option, checked. */
export interface ResolvedOptions {
  path: string;
  project: string;
  apiKey: string | undefined;
  dashboardToken: string | undefined;
  host: string;
  port: number;
  allowedHosts: readonly string[];
  publicFlags: boolean;
  maxBodyBytes: number;
  logger: Logger;
  flagWaitMs: number;
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
  return {
    path: sqlitePath(options.database ?? env('DATABASE') ?? 'sqlite:./phospho.db'),
    project: matching('project', options.project ?? env('PROJECT') ?? 'demo', PROJECT),
    apiKey: secret('apiKey', options.apiKey ?? env('API_KEY')),
    dashboardToken: secret('dashboardToken', options.dashboardToken ?? env('DASHBOARD_TOKEN')),
    host: matching('host', options.host ?? env('HOST') ?? '127.0.0.1', HOST),
    port: integer('port', options.port ?? env('PORT') ?? 7700, 0, 65_535),
    allowedHosts: (options.allowedHosts ?? list(env('ALLOWED_HOSTS'))).map((host) =>
      matching('allowedHosts', host, HOST),
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
  };
}

const PROJECT = {
  pattern: /^[A-Za-z0-9._-]{1,128}$/,
  takes: '1 to 128 letters, digits, ".", "_" or "-"',
};
const HOST = {
  pattern: /^[A-Za-z0-9._:-]{1,253}$/,
  takes: 'a host name or address, without scheme, port or brackets, e.g. 127.0.0.1',
};

function sqlitePath(database: string): string {
  const path = /^sqlite:(?:\/\/)?(.+)$/.exec(database)?.[1];
  if (path === undefined || path.includes('\u0000')) {
    // A database URL may hold a password, so it is not repeated.
    const scheme = /^[a-z]+:/i.exec(database)?.[0] ?? 'a value without scheme';
    throw refused('database', 'sqlite:<path> or sqlite::memory:', scheme);
  }
  return path;
}

function secret(name: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[\x21-\x7e]{16,512}$/.test(value)) return value;
  throw refused(name, '16 to 512 printable ASCII characters', `${value.length} characters`);
}

function matching(
  name: string,
  value: string,
  { pattern, takes }: { pattern: RegExp; takes: string },
): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw refused(name, takes, JSON.stringify(value));
}

function integer(name: string, value: number | string, least: number, most: number): number {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
    return number;
  throw refused(name, `an integer from ${least} to ${most}`, JSON.stringify(value));
}

function flagOf(name: string, value: boolean | string): boolean {
  if (typeof value === 'boolean') return value;
  if (['1', 'true'].includes(value.toLowerCase())) return true;
  if (['0', 'false'].includes(value.toLowerCase())) return false;
  throw refused(name, '1, true, 0 or false', JSON.stringify(value));
}

function list(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function refused(name: string, takes: string, came: string): PhosphoConfigError {
  const variable = `PHOSPHO_COLLECTOR_${name.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
  return new PhosphoConfigError(
    `${name} takes ${takes}; ${came} came. Set the option, or ${variable}`,
  );
}
