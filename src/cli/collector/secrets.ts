/** The flags that take a secret, by what the warning calls it. */
const SECRETS = {
  apiKey: ['a key in --api-key', 'PHOSPHO_COLLECTOR_API_KEY'],
  adminToken: ['a token in --admin-token', 'PHOSPHO_COLLECTOR_ADMIN_TOKEN'],
  dashboardToken: ['a token in --dashboard-token', 'PHOSPHO_COLLECTOR_DASHBOARD_TOKEN'],
  metricsToken: ['a token in --metrics-token', 'PHOSPHO_COLLECTOR_METRICS_TOKEN'],
  database: ['a password in --database', 'PHOSPHO_COLLECTOR_DATABASE'],
} as const;

/** Arguments of a process are no secret. */
export function warnOfSecrets(
  flags: { [Flag in keyof typeof SECRETS]?: string | undefined },
): void {
  for (const flag of Object.keys(SECRETS) as (keyof typeof SECRETS)[]) {
    const value = flags[flag];
    if (value === undefined || (flag === 'database' && !hasPassword(value))) continue;
    const [what, variable] = SECRETS[flag];
    console.error(
      `Warning: ${what} can be read by every user of this machine while this runs, and stays in the shell ` +
        `history. Set ${variable} instead.`,
    );
  }
}

function hasPassword(database: string): boolean {
  return /^postgres(?:ql)?:\/\/(?:[^/@]*:[^/@]+@|.*[?&]password=.)/.test(database);
}
