import type { Logger } from '../internal/logger.ts';
import type { AuditLogEntry } from './admin/audit-log.ts';
import type { RequestLogEntry } from './http/observe.ts';
import type { JudgeOptions } from './judge/options.ts';
import type { TlsOptions } from './network/certificate.ts';

/** Options of a collector. Each is taken from here, else from its environment variable, else its default. */
export interface CollectorOptions {
  /**
   * Requests that each project's keys may make a minute: so many that bring events, and as many others. Like the
   * limits below 0 to 1e9, 0 for none; a project's own setting goes before (`requests_per_minute`). Answered 429
   * with `Retry-After`. It is counted in each process. Environment: `PHOSPHO_COLLECTOR_REQUESTS_PER_MINUTE`.
   *
   * @defaultValue 0
   */
  requestsPerMinute?: number;
  /**
   * Events, and OTLP's spans, that each project may send a minute, at once or spread. A larger batch goes when
   * nothing has been sent for a minute. It is counted in each process. Setting: `events_per_minute`. Environment:
   * `PHOSPHO_COLLECTOR_EVENTS_PER_MINUTE`.
   *
   * @defaultValue 0
   */
  eventsPerMinute?: number;
  /**
   * Events that each project may have stored on a day of UTC, counted in the database for all collectors. Setting:
   * `events_per_day`. Environment: `PHOSPHO_COLLECTOR_EVENTS_PER_DAY`.
   *
   * @defaultValue 0
   */
  eventsPerDay?: number;
  /**
   * Wrong API keys that an address may send a minute; then only those are looked at that it has used before.
   * Behind a proxy it needs `behindProxy`. Environment: `PHOSPHO_COLLECTOR_FAILED_KEYS_PER_MINUTE`.
   *
   * @defaultValue 60
   */
  failedKeysPerMinute?: number;
  /**
   * Where the data lives: `sqlite:` and a path, `sqlite::memory:` for data that ends with the process, or
   * `postgres://user:password@host:5432/name`, which any number of collectors share; that needs the package
   * `pg`. A new SQLite file is readable by its owner only. Environment, where other users cannot read a password:
   * `PHOSPHO_COLLECTOR_DATABASE`.
   *
   * @defaultValue 'sqlite:./phospho.db'
   */
  database?: string | undefined;
  /**
   * Connections to PostgreSQL at most, 2 to 500, beside one that listens for what other collectors store.
   * A request waits 5 s for one to become free, then it is answered 503. Environment:
   * `PHOSPHO_COLLECTOR_POOL_SIZE`.
   *
   * @defaultValue 10
   */
  poolSize?: number;
  /**
   * Into how many hash partitions by project the tables of a new PostgreSQL database are cut, 0 to 1024. Of a
   * database that has its tables it must be the number that it was made with, or be left out. See
   * docs/scaling.md. Environment: `PHOSPHO_COLLECTOR_PARTITIONS`.
   *
   * @defaultValue 0
   */
  partitions?: number;
  /**
   * The project that is created and given a key. Projects made earlier in the same database are served too.
   * 1 to 128 letters, digits, `.`, `_` or `-`. Environment: `PHOSPHO_COLLECTOR_PROJECT`.
   *
   * @defaultValue 'demo'
   */
  project?: string;
  /**
   * A key of the project with the scopes read and write; 16 to 512 printable ASCII characters. It takes the place
   * of the one that an earlier start was given or made, and of no other; one that was revoked or has expired is
   * not brought back. Without it a random one is made for a project that has no key that works, and can be read
   * from `collector.apiKey`. Environment: `PHOSPHO_COLLECTOR_API_KEY`.
   */
  apiKey?: string | undefined;
  /**
   * The dashboard's login token; 16 to 512 printable ASCII characters. Set it where several collectors share a
   * database, or where a person must know it beforehand. Environment: `PHOSPHO_COLLECTOR_DASHBOARD_TOKEN`.
   *
   * @defaultValue random at each start; it is in `collector.dashboardUrl`
   */
  dashboardToken?: string | undefined;
  /**
   * The address to listen on. The default keeps other machines out; on one that lets them in, `listen()` needs
   * `tls` or `behindProxy`.
   * Environment: `PHOSPHO_COLLECTOR_HOST`.
   *
   * @defaultValue '127.0.0.1'
   */
  host?: string;
  /**
   * 0 to 65535; 0 means any free port. Environment: `PHOSPHO_COLLECTOR_PORT`.
   *
   * @defaultValue 7700
   */
  port?: number;
  /**
   * Serves HTTPS (TLS 1.2 or newer), and nothing else. A file that changes is read again, within seconds and
   * without a restart. Environment: `PHOSPHO_COLLECTOR_TLS_CERT`, `PHOSPHO_COLLECTOR_TLS_KEY`.
   */
  tls?: TlsOptions;
  /**
   * A proxy in front ends TLS. Its `X-Forwarded-Proto` and `X-Forwarded-For` are then believed, the latter to count
   * attempts by address: `true` for one proxy, else how many there are (1 to 10), or their addresses and subnets,
   * as Express' `trust proxy` takes them. Nobody but the proxy should reach the port. Environment:
   * `PHOSPHO_COLLECTOR_BEHIND_PROXY`, addresses comma-separated.
   *
   * @defaultValue false, and in another Express app its `trust proxy`
   */
  behindProxy?: boolean | number | string | readonly string[];
  /**
   * The collector is mounted in an app of yours (`app.use('/collector', collector.app)`) and does not listen itself:
   * which names the app goes by is the app's to check, so any Host header is taken, and `listen()` throws.
   *
   * @defaultValue false
   */
  embedded?: boolean;
  /**
   * Names, without port, that clients may call this server by (the Host header), beside the loopback names
   * and `host`. Others are refused: a hostile web page could point its own name at this machine.
   * Environment: `PHOSPHO_COLLECTOR_ALLOWED_HOSTS`, comma-separated.
   *
   * @defaultValue []
   */
  allowedHosts?: readonly string[];
  /**
   * Whether a flag needs no key if it names its task's project, as with phospho's own service. Off by
   * default, since then anybody who reaches the port and knows an id can flag.
   * Environment: `PHOSPHO_COLLECTOR_PUBLIC_FLAGS`, `1` or `true`.
   *
   * @defaultValue false
   */
  publicFlags?: boolean;
  /**
   * The largest request body, in bytes and after decompression: 1 KiB to 1 GiB.
   * Environment: `PHOSPHO_COLLECTOR_MAX_BODY_BYTES`.
   *
   * @defaultValue 33554432 (32 MiB), since a body is held whole while it is checked and stored
   */
  maxBodyBytes?: number;
  /** The model that compares answers for `POST /evals/compare`. Default: its environment variables, else none. */
  judge?: JudgeOptions;
  /**
   * Lets its holder read `GET /metrics`, with `Authorization: Bearer <token>`; 16 to 512 printable ASCII
   * characters. Without one, metrics are for requests of this machine that no proxy has passed on.
   * Environment: `PHOSPHO_COLLECTOR_METRICS_TOKEN`.
   */
  metricsToken?: string | undefined;
  /**
   * Lets its holder administer all projects below `/v2/admin`: make them, set them up, give keys; 16 to 512
   * printable ASCII characters, and no other token's. Without one, what concerns more than one project is left to
   * the command line. Environment, where other users cannot read it: `PHOSPHO_COLLECTOR_ADMIN_TOKEN`.
   */
  adminToken?: string | undefined;
  /**
   * Tells of every administrative act of this collector once it is stored: as a line of JSON on the standard
   * output or, with a function, as an object. Neither holds captured text, keys or tokens. What the function
   * throws is said once. Environment: `PHOSPHO_COLLECTOR_AUDIT_LOG`, `1` or `true`.
   *
   * @defaultValue true where `requestLog` is true, else false; the database has the acts in any case
   */
  auditLog?: boolean | ((entry: AuditLogEntry) => void);
  /**
   * Tells of every request when it is over: as a line of JSON on the standard output or, with a function, as
   * an object. Neither holds captured text, paths, queries, keys or tokens. The function must not take long;
   * what it throws is said once. Environment: `PHOSPHO_COLLECTOR_REQUEST_LOG`, `1` or `true`.
   *
   * @defaultValue false
   */
  requestLog?: boolean | ((entry: RequestLogEntry) => void);
  /**
   * How many days tasks are kept after their `created_at`, 0 to 36 500; 0 keeps all. A project's own setting
   * `retention_days` comes first. See docs/collector-data.md. Environment: `PHOSPHO_COLLECTOR_RETENTION_DAYS`.
   *
   * @defaultValue 0
   */
  retentionDays?: number;
  /**
   * How many bytes of tasks' texts are kept of each project, the newest; 0 keeps all. A project's own setting
   * `retention_bytes` comes first. Environment: `PHOSPHO_COLLECTOR_RETENTION_BYTES`.
   *
   * @defaultValue 0
   */
  retentionBytes?: number;
  /** Takes warnings, and errors that clients are told nothing about. @defaultValue console */
  logger?: Logger;
  /**
   * How long a flag is held for a task that has not arrived, in milliseconds: 0 to 120 000.
   * Environment: `PHOSPHO_COLLECTOR_FLAG_WAIT_MS`.
   *
   * @defaultValue 31000, as long as phospho's own service holds it
   */
  flagWaitMs?: number;
}
