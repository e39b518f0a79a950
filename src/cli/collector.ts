import { Command } from 'commander';
import type { RunningCollector } from '../collector/collector.ts';
import type { LimitOptions } from '../collector/limits/limit-values.ts';
import type { CollectorOptions } from '../collector/options.ts';
import type { ProjectKey } from '../collector/project-key.ts';
import { warnOfSecrets } from './collector/secrets.ts';
import { subcommands } from './collector/subcommands.ts';
import { stopRequested } from './signals.ts';

interface Flags {
  port?: string;
  host?: string;
  database?: string;
  poolSize?: string;
  partitions?: string;
  project?: string;
  apiKey?: string;
  dashboardToken?: string;
  newKey?: boolean;
  tlsCert?: string;
  tlsKey?: string;
  behindProxy?: boolean | string;
  allowedHost?: string[];
  publicFlags?: boolean;
  maxBodyBytes?: string;
  flagWaitMs?: string;
  requestsPerMinute?: string;
  eventsPerMinute?: string;
  eventsPerDay?: string;
  failedKeysPerMinute?: string;
  judgeBaseUrl?: string;
  judgeModel?: string;
  judgeTimeoutMs?: string;
  metricsToken?: string;
  logRequests?: boolean;
  adminToken?: string;
  logAudit?: boolean;
  retentionDays?: string;
  retentionBytes?: string;
}

/** `phospho-express collector`: runs the local phospho until SIGINT or SIGTERM. */
export function collectorCommand(): Command {
  const command = new Command('collector')
    .enablePositionalOptions()
    .description(
      'Run a phospho of your own: the same HTTP API and a dashboard, over a SQLite file or a PostgreSQL. No account is needed.',
    )
    .option(
      '--port <number>',
      withEnv('port to listen on, 0 for any free one; default 7700', 'PORT'),
    )
    .option('--host <address>', withEnv('address to listen on; default 127.0.0.1', 'HOST'))
    .option(
      '--tls-cert <file>',
      withEnv('serve HTTPS with this certificate, in PEM; read again when it changes', 'TLS_CERT'),
    )
    .option(
      '--tls-key <file>',
      withEnv('its private key; a passphrase is PHOSPHO_COLLECTOR_TLS_PASSPHRASE', 'TLS_KEY'),
    )
    .option(
      '--behind-proxy [hops-or-addresses]',
      withEnv(
        'a proxy in front ends TLS, and its X-Forwarded headers are believed; one, or so many, or of these addresses',
        'BEHIND_PROXY',
      ),
    )
    .option(
      '--database <url>',
      withEnv(
        'sqlite:<path>, sqlite::memory: or postgres://<user>@<host>/<name>; default sqlite:./phospho.db',
        'DATABASE',
      ),
    )
    .option(
      '--pool-size <number>',
      withEnv('connections to PostgreSQL at most, 2 to 500; default 10', 'POOL_SIZE'),
    )
    .option(
      '--partitions <number>',
      withEnv(
        'cut the tables of a new PostgreSQL database into so many partitions, 0 to 1024; default 0',
        'PARTITIONS',
      ),
    )
    .option('--project <id>', withEnv('project to create and serve; default demo', 'PROJECT'))
    .option(
      '--api-key <key>',
      withEnv(
        "the project's key; rather use the environment, where other users cannot read it",
        'API_KEY',
      ),
    )
    .option(
      '--dashboard-token <token>',
      withEnv(
        "the dashboard's login token; default a random one at each start; rather use the environment",
        'DASHBOARD_TOKEN',
      ),
    )
    .option(
      '--new-key',
      'make a new key for the project; the one of an earlier start stops working',
    )
    .option(
      '--allowed-host <name...>',
      withEnv('further names that clients may call this server by', 'ALLOWED_HOSTS'),
    )
    .option(
      '--public-flags',
      withEnv('take flags without a key, if they name the project of their task', 'PUBLIC_FLAGS'),
    )
    .option(
      '--max-body-bytes <number>',
      withEnv('largest request body, 1024 to 1 GiB; default 32 MiB', 'MAX_BODY_BYTES'),
    )
    .option(
      '--flag-wait-ms <number>',
      withEnv(
        'how long a flag waits for a task that has not come yet, 0 to 120000; default 31000',
        'FLAG_WAIT_MS',
      ),
    )
    .option(
      '--requests-per-minute <number>',
      withEnv('requests that a project may make; default 0, no limit', 'REQUESTS_PER_MINUTE'),
    )
    .option(
      '--events-per-minute <number>',
      withEnv('events that a project may send; default 0, no limit', 'EVENTS_PER_MINUTE'),
    )
    .option(
      '--events-per-day <number>',
      withEnv(
        'events that a project may have stored in a day of UTC; default 0, no limit',
        'EVENTS_PER_DAY',
      ),
    )
    .option(
      '--failed-keys-per-minute <number>',
      withEnv(
        'wrong API keys that an address may send; default 60, 0: no limit',
        'FAILED_KEYS_PER_MINUTE',
      ),
    )
    .option(
      '--judge-base-url <url>',
      'OpenAI-compatible API whose model compares answers (env: PHOSPHO_JUDGE_BASE_URL; its key: PHOSPHO_JUDGE_API_KEY)',
    )
    .option('--judge-model <name>', 'the model that compares answers (env: PHOSPHO_JUDGE_MODEL)')
    .option(
      '--judge-timeout-ms <number>',
      'how long one of its answers may take, 100 to 110000; default 30000 (env: PHOSPHO_JUDGE_TIMEOUT_MS)',
    )
    .option(
      '--metrics-token <token>',
      withEnv(
        'who may read /metrics from another machine; rather use the environment',
        'METRICS_TOKEN',
      ),
    )
    .option(
      '--admin-token <token>',
      withEnv(
        'who may administer all projects over HTTP; rather use the environment',
        'ADMIN_TOKEN',
      ),
    )
    .option(
      '--log-audit',
      withEnv(
        'a line of JSON on the standard output for each administrative act; --log-requests does so too',
        'AUDIT_LOG',
      ),
    )
    .option(
      '--log-requests',
      withEnv(
        'a line of JSON on the standard output for each request, without its texts',
        'REQUEST_LOG',
      ),
    )
    .option(
      '--retention-days <number>',
      withEnv(
        'delete tasks that are older than so many days, 0 to 36500; default 0, keep all',
        'RETENTION_DAYS',
      ),
    )
    .option(
      '--retention-bytes <number>',
      withEnv(
        'delete the oldest tasks of a project whose texts have more bytes; default 0, keep all',
        'RETENTION_BYTES',
      ),
    )
    .action(run);
  for (const subcommand of subcommands()) command.addCommand(subcommand);
  return command;
}

function withEnv(text: string, name: string): string {
  return `${text} (env: PHOSPHO_COLLECTOR_${name})`;
}

async function run(flags: Flags): Promise<void> {
  warnOfSecrets(flags);
  const stop = stopRequested();
  // Loaded here: the other commands need nothing of it.
  const { openCollector } = await import('../collector/open-collector.ts');
  const collector = await openCollector(optionsOf(flags));
  try {
    await collector.listen();
    const key = await collector.settleKey({ renew: flags.newKey ?? false });
    console.log(greeting(collector, key).join('\n'));
    await stop;
    console.log('Closing. Press Ctrl-C again to quit at once.');
  } finally {
    await collector.close();
  }
}

function optionsOf(flags: Flags): CollectorOptions {
  const { port, host, database, project, apiKey, dashboardToken, allowedHost, publicFlags } = flags;
  const { maxBodyBytes, flagWaitMs, judgeBaseUrl, judgeModel, judgeTimeoutMs } = flags;
  const judge = {
    ...(judgeBaseUrl !== undefined && { baseUrl: judgeBaseUrl }),
    ...(judgeModel !== undefined && { model: judgeModel }),
    ...(judgeTimeoutMs !== undefined && { timeoutMs: numberIn(judgeTimeoutMs) }),
  };
  const { poolSize, partitions, tlsCert, tlsKey, behindProxy } = flags;
  const { retentionDays, retentionBytes } = flags;
  return {
    ...(port !== undefined && { port: numberIn(port) }),
    ...(host !== undefined && { host }),
    // One of them may come from the environment.
    ...((tlsCert !== undefined || tlsKey !== undefined) && {
      tls: { cert: tlsCert, key: tlsKey } as CollectorOptions['tls'] & object,
    }),
    ...(behindProxy !== undefined && { behindProxy }),
    ...(database !== undefined && { database }),
    ...(poolSize !== undefined && { poolSize: numberIn(poolSize) }),
    ...(partitions !== undefined && { partitions: numberIn(partitions) }),
    ...(project !== undefined && { project }),
    ...(apiKey !== undefined && { apiKey }),
    ...(dashboardToken !== undefined && { dashboardToken }),
    ...(allowedHost !== undefined && { allowedHosts: allowedHost }),
    ...(publicFlags !== undefined && { publicFlags }),
    ...(maxBodyBytes !== undefined && { maxBodyBytes: numberIn(maxBodyBytes) }),
    ...(flagWaitMs !== undefined && { flagWaitMs: numberIn(flagWaitMs) }),
    ...limitsOf(flags),
    ...(flags.metricsToken !== undefined && { metricsToken: flags.metricsToken }),
    ...(flags.logRequests !== undefined && { requestLog: flags.logRequests }),
    ...(flags.adminToken !== undefined && { adminToken: flags.adminToken }),
    ...(flags.logAudit !== undefined && { auditLog: flags.logAudit }),
    ...(retentionDays !== undefined && { retentionDays: numberIn(retentionDays) }),
    ...(retentionBytes !== undefined && { retentionBytes: numberIn(retentionBytes) }),
    ...(Object.keys(judge).length > 0 && { judge }),
  };
}

function limitsOf(flags: Flags): LimitOptions {
  const { requestsPerMinute, eventsPerMinute, eventsPerDay, failedKeysPerMinute } = flags;
  const given = { requestsPerMinute, eventsPerMinute, eventsPerDay, failedKeysPerMinute };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, numberIn(text)]],
    ),
  );
}

/** What is no number is passed on as it came, to be refused with the option's name and range. */
function numberIn(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : (text as never);
}

function greeting(collector: RunningCollector, key: ProjectKey): string[] {
  const { url, publicUrl, place } = collector;
  const { baseUrl, dashboardUrl } = collector.addressesAt(publicUrl);
  return [
    `phospho-express collector listens on ${url}${publicUrl === url ? '' : `, behind a proxy at ${publicUrl}`}`,
    `Its data is in ${place}`,
    ...keyNews(key, collector.projectId),
    '',
    'Dashboard (the link logs you in, so keep it to yourself):',
    `  ${dashboardUrl}`,
    '',
    'Point an app at it:',
    `  export PHOSPHO_BASE_URL=${baseUrl}`,
    keyLine(key),
    `  export PHOSPHO_PROJECT_ID=${collector.projectId}`,
  ];
}

function keyNews(key: ProjectKey, projectId: string): string[] {
  switch (key.origin) {
    case 'made':
      return [
        `Project ${projectId} has a new API key. It is stored as a hash only, and not shown again: keep it.`,
      ];
    case 'kept':
      return [
        `Project ${projectId} keeps the API keys it has. They are stored as hashes, so they cannot be shown;`,
        'if yours is lost, --new-key makes another, in place of the one that an earlier start has made.',
      ];
    case 'given':
    case 'refused':
      return [];
  }
}

/** To be pasted: a key that is not shown must not overwrite the one that the terminal has. */
function keyLine(key: ProjectKey): string {
  if (key.origin === 'made') return `  export PHOSPHO_API_KEY=${key.plain}`;
  if (key.origin === 'kept') return '  # PHOSPHO_API_KEY: the key that was shown when it was made';
  if (key.origin === 'refused') return '  # PHOSPHO_API_KEY: another key than the given one';
  // A key that was given is not repeated: logs outlive terminals.
  return key.plain === process.env.PHOSPHO_COLLECTOR_API_KEY
    ? '  export PHOSPHO_API_KEY="$PHOSPHO_COLLECTOR_API_KEY"'
    : '  # PHOSPHO_API_KEY: the key you gave';
}
