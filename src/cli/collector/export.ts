import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Command } from 'commander';
import { theCommandLine } from '../../collector/admin/actors.ts';
import type { PartOf, Store } from '../../collector/store/store.ts';
import { PhosphoError } from '../../errors.ts';
import { Progress } from '../progress.ts';
import { stopRequested } from '../signals.ts';
import {
  assertProject,
  type DataFlags,
  databaseOption,
  dataOf,
  projectOption,
  withStore,
} from './database.ts';
import { dateIn, misused } from './inputs.ts';
import { makePrivateFile } from './private-file.ts';

interface Flags extends DataFlags {
  since?: string;
  until?: string;
  user?: string;
  gzip?: boolean;
  force?: boolean;
}

const HELP = `
The file has a header and then a line of JSON for each session, task, verdict, test and comparison; import reads it, on
any database. With --since, --until or --user it has the tasks of that part, their verdicts and sessions; a session's
preview is left out then, since it may be of another task. Keys, settings and the audit are not exported.

The collector may run meanwhile: what it stores during the export may or may not be in it.

Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/** `phospho-express collector export`. */
export function exportCommand(): Command {
  return new Command('export')
    .description(
      'Write all that a project has stored to a file of JSON lines, or to standard output.',
    )
    .argument('[file]', 'a new file, readable by its owner only; none or - means standard output')
    .addOption(databaseOption())
    .addOption(projectOption())
    .option('--since <time>', 'tasks created at this time or later: 2026-01-31, or UNIX seconds')
    .option('--until <time>', 'tasks created before this time')
    .option('--user <id>', "a user's tasks")
    .option('--gzip', 'compress; a file whose name ends in .gz is compressed anyway')
    .option('--force', 'replace the file if it is there')
    .addHelpText('after', HELP)
    .action((file: string | undefined, _, command: Command) =>
      run(file === '-' ? undefined : file, command.optsWithGlobals()),
    );
}

async function run(file: string | undefined, flags: Flags): Promise<void> {
  const part: PartOf = {
    since: timeOf('--since', flags.since),
    until: timeOf('--until', flags.until),
    user: flags.user,
  };
  const data = await dataOf(flags, { mustExist: true });
  const gzip = flags.gzip ?? file?.endsWith('.gz') ?? false;
  const lines = await withStore(data, async (store) => {
    await assertProject(store, data.project);
    const { since = null, until = null, user = null } = part;
    // Before anything leaves.
    await store.audit.note(data.project, {
      ...{ actor: theCommandLine(), act: 'data.export', subject: data.project },
      details: { to: file ?? 'standard output', since, until, user },
    });
    const write = (to: () => Writable) => writeAll(store, data.project, part, { gzip, to });
    if (file === undefined) return write(() => process.stdout);
    return makePrivateFile(file, { force: flags.force ?? false }, (path) =>
      write(() => createWriteStream(path)),
    );
  });
  const counted = Object.entries(lines).map(([kind, count]) => `${count} ${kind}(s)`);
  const where = file ?? 'standard output';
  const summary = `exported ${counted.join(', ')} of the project ${data.project} to ${where}`;
  if (file === undefined) console.error(summary);
  else console.log(summary);
}

/** UNIX seconds. */
function timeOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,11}$/.test(text) ? Number(text) : dateIn(text);
  if (seconds !== undefined) return seconds;
  throw misused(
    option,
    'a date like 2026-01-31 (in UTC), a time like 2026-01-31T12:00:00Z, or UNIX seconds',
    text,
  );
}

type Counts = Record<'session' | 'task' | 'test' | 'comparison', number>;

async function writeAll(
  store: Store,
  project: string,
  part: PartOf,
  { gzip, to }: { gzip: boolean; to: () => Writable },
): Promise<Counts> {
  const { headerLine } = await import('../../collector/transfer/header.ts');
  const counts: Counts = { session: 0, task: 0, test: 0, comparison: 0 };
  const progress = new Progress(await store.transfer.countTasks(project, part), {
    done: 'tasks exported',
  });
  const abort = new AbortController();
  void stopRequested().then(() => abort.abort());
  async function* text(): AsyncGenerator<string> {
    yield `${headerLine(project, new Date())}\n`;
    for (const kind of Object.keys(counts) as (keyof Counts)[]) {
      for (let after: Parameters<Store['transfer']['page']>[3]; ; ) {
        const { lines, next } = await store.transfer.page(project, kind, part, after);
        // A task's verdicts come with it.
        const own = lines.filter((line) => line.startsWith(`{"type":"${kind}"`)).length;
        counts[kind] += own;
        if (kind === 'task') progress.add(own);
        if (lines.length > 0) yield `${lines.join('\n')}\n`;
        if (next === undefined) break;
        after = next;
      }
    }
  }
  try {
    const { signal } = abort;
    if (gzip) await pipeline(text, createGzip(), to(), { signal });
    else await pipeline(text, to(), { signal });
    return counts;
  } catch (error) {
    if (abort.signal.aborted) throw new PhosphoError('broken off; no file was written');
    throw error;
  } finally {
    progress.stop();
  }
}
