import { statSync } from 'node:fs';
import { Command } from 'commander';
import { PhosphoConfigError } from '../../errors.ts';
import { type DataFlags, databaseOption, dataOf } from './database.ts';
import { makePrivateFile } from './private-file.ts';

interface Flags extends DataFlags {
  force?: boolean;
}

const HELP = `
The copy is of one moment, checked, and readable by its owner only. The collector may run, and store, meanwhile. A
PostgreSQL is copied by its own tools: the command to do it is printed then.

One that is killed, or ended by Ctrl-C, leaves a file that ends in .part, which the next one of the same name removes.

Exit codes: 0 done, 1 failed; no file is left then. 2 wrong usage, or no SQLite database.`;

/** `phospho-express collector backup`. */
export function backupCommand(): Command {
  return new Command('backup')
    .description('Copy the whole SQLite database of a collector, which may run, to a new file.')
    .argument('<file>', 'the new file')
    .addOption(databaseOption())
    .option('--force', 'replace the file if it is there')
    .addHelpText('after', HELP)
    .action((file: string, _, command: Command) => run(file, command.optsWithGlobals()));
}

async function run(file: string, flags: Flags): Promise<void> {
  const { database } = await dataOf(flags, { mustExist: true });
  if (database.kind === 'postgres') {
    throw new PhosphoConfigError(
      `a PostgreSQL is copied by its own tools, e.g. (set PGPASSWORD, or a .pgpass file): ${dumpCommand(file, database.url)}`,
    );
  }
  const { copySqlite } = await import('../../collector/store/sqlite/backup.ts');
  const { tasks } = await makePrivateFile(file, { force: flags.force ?? false }, (temporary) =>
    copySqlite(database.path, temporary),
  );
  const mebibytes = (statSync(file).size / 2 ** 20).toFixed(1);
  console.log(
    `copied ${database.path} with ${tasks} task(s) to ${file}, ${mebibytes} MiB, and checked`,
  );
}

/** To be pasted into a shell; without the password. */
function dumpCommand(file: string, url: string): string {
  const shown = new URL(url);
  shown.password = '';
  shown.searchParams.delete('password');
  return `pg_dump --format=custom --file=${quoted(file)} ${quoted(shown.href)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
