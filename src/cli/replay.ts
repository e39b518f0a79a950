import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { Client } from '../client/client.ts';
import { DEAD_LETTER_FILE } from '../delivery/dead-letters.ts';
import { HttpExporter } from '../delivery/http-exporter.ts';
import { PhosphoConfigError } from '../errors.ts';
import { fromEnvironment } from '../options.ts';
import { Progress } from './progress.ts';
import { type Claim, claimAll, claimsOf } from './replay/claim.ts';
import {
  describeOther,
  describeSurvey,
  describeUnreadable,
  printable,
  tally,
} from './replay/report.ts';
import { Replay } from './replay/send.ts';
import { type Survey, survey } from './replay/survey.ts';
import { stopRequested } from './signals.ts';

interface Flags {
  dryRun?: boolean;
  dir?: string;
  file?: string;
}

const HELP = `
Reads PHOSPHO_API_KEY, PHOSPHO_PROJECT_ID, PHOSPHO_BASE_URL and PHOSPHO_ALLOW_HTTP, as the library does.

What the server accepts leaves the file. What it refuses again stays, with its new message; what could not be
sent, and lines that cannot be read, stay as they are. The app may run meanwhile. Sending an event twice is
harmless: the server knows its id. Ctrl-C stops and puts the rest back.

Exit codes: 0 nothing is left (or --dry-run), 1 something is left, 2 wrong usage.`;

/** `phospho-express replay`: sends the dead letters of a spool directory again. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('Send again what the server refused: the dead letters of a spool directory.')
    .option('--dry-run', 'send nothing; tell how many there are, why, and since when')
    .option('--dir <directory>', 'the spool directory (env: PHOSPHO_SPOOL_DIR)')
    .option('--file <path>', 'a file of dead letters, instead of the one in the directory')
    .addHelpText('after', HELP)
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const target = targetOf(flags);
  if (flags.dryRun) await tell(target);
  else await replay(target);
}

/** The file of dead letters, which need not be there. */
function targetOf({ dir, file }: Flags): string {
  if (file !== undefined && dir !== undefined) {
    throw new PhosphoConfigError('--file and --dir exclude each other');
  }
  if (file !== undefined) {
    const path = resolve(file);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return realpathSync(path);
    // A replay that died has renamed it.
    if (existsSync(dirname(path)) && isClaimed(path)) return path;
    throw new PhosphoConfigError(`--file takes the path of a file; there is none at ${path}`);
  }
  const given = dir ?? fromEnvironment('PHOSPHO_SPOOL_DIR');
  if (given === undefined || given.trim() === '') {
    throw new PhosphoConfigError(
      'which dead letters? Set PHOSPHO_SPOOL_DIR, or give --dir <directory> or --file <path>',
    );
  }
  const path = resolve(given);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return join(path, DEAD_LETTER_FILE);
  throw new PhosphoConfigError(
    `--dir (or PHOSPHO_SPOOL_DIR) takes the path of a directory; there is none at ${path}`,
  );
}

function isClaimed(path: string): boolean {
  const { orphans, others } = claimsOf(path);
  return orphans.length + others.length > 0;
}

async function tell(target: string): Promise<void> {
  const { orphans, others } = claimsOf(target);
  const paths = [...orphans, target].filter((path) => existsSync(path));
  const found = await survey(paths);
  const lines = [
    ...others.map(describeOther),
    ...describeSurvey(found),
    ...describeUnreadable(found, paths),
    `dry run: ${contents(found)} in ${target}; nothing was sent`,
  ];
  console.log(lines.join('\n'));
}

async function replay(target: string): Promise<void> {
  const client = new Client();
  // Before anything is claimed: a setting that is missing is a matter of usage.
  client.config.apiKey();
  client.config.projectId();
  client.config.baseUrl();
  const abort = new AbortController();
  void stopRequested().then(() => {
    console.error('Stopping; what is left is put back. Press Ctrl-C again to quit at once.');
    abort.abort();
  });
  const { claims, others } = claimAll(target);
  for (const other of others) console.error(describeOther(other));
  const exporter = new HttpExporter(client, 'auto');
  let found: Survey;
  let stopped: string | undefined;
  try {
    const paths = claims.map(({ path }) => path);
    found = await survey(paths);
    const names = claims.map(({ origin }) => origin);
    for (const line of describeUnreadable(found, names)) console.error(line);
    stopped = await send(claims, exporter, found, abort.signal);
  } finally {
    await exporter.shutdown();
    await putBack(claims, target);
  }
  if (stopped !== undefined) console.error(`Not all could be sent: ${printable(stopped)}`);
  conclude(target, claims, found, others.length);
}

/** One that cannot be put back does not keep the others from it. */
async function putBack(claims: readonly Claim[], target: string): Promise<void> {
  const ends = await Promise.allSettled(claims.map((claim) => claim.putBack(target)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function send(
  claims: readonly Claim[],
  exporter: HttpExporter,
  found: Survey,
  signal: AbortSignal,
): Promise<string | undefined> {
  const total = found.events + found.flags;
  if (total === 0) return undefined;
  const progress = new Progress(total, { done: 'answered', hasLines: true });
  try {
    return await new Replay(claims, found, exporter, signal, (count) => progress.add(count)).run();
  } finally {
    progress.stop();
  }
}

function conclude(target: string, claims: readonly Claim[], found: Survey, others: number): void {
  const { accepted, superseded, refused } = tally(claims);
  const unsent = found.events + found.flags - accepted - superseded - refused;
  const unreadable = found.unreadable.length;
  const left = [
    ...(refused > 0 ? [`${refused} refused again`] : []),
    ...(unsent > 0 ? [`${unsent} not sent`] : []),
    ...(unreadable > 0 ? [`${unreadable} unreadable`] : []),
  ];
  const replaced = superseded > 0 ? ` (and ${superseded} replaced by a later flag)` : '';
  const rest = left.length > 0 ? `; left in ${target}: ${left.join(', ')}` : '';
  console.log(`replayed ${accepted} of ${contents(found)}${replaced}${rest}`);
  if (left.length > 0 || others > 0) process.exitCode = 1;
}

function contents({ events, flags, unreadable }: Survey): string {
  const lines = unreadable.length > 0 ? ` and ${unreadable.length} unreadable line(s)` : '';
  return `${events} event(s) and ${flags} flag(s)${lines}`;
}
