import { createReadStream, statSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Command } from 'commander';
import { theCommandLine } from '../../collector/admin/actors.ts';
import type { Store } from '../../collector/store/store.ts';
import type { Imported } from '../../collector/transfer/importer.ts';
import { PhosphoConfigError } from '../../errors.ts';
import { explain } from '../explain.ts';
import { isBlank, linesIn } from '../lines.ts';
import { Progress } from '../progress.ts';
import { stopRequested } from '../signals.ts';
import { type DataFlags, databaseOption, dataOf, withStore } from './database.ts';

const HELP = `
Takes what export has written, plain or gzip; or log events, one a line, as POST /log takes them. What is stored
already, by its id, stays as it is, so a file can be imported twice. What was deleted before comes back: an export
keeps what it has. Log events without a task_id are new each time.

Lines that cannot be read are told of and left out. The collector may run meanwhile.

Exit codes: 0 all is there, 1 something was left out or failed, 2 wrong usage.`;

/** `phospho-express collector import`. */
export function importCommand(): Command {
  return new Command('import')
    .description('Store what an export, or a file of log events, holds.')
    .argument('<file>', '- means standard input')
    .addOption(databaseOption())
    .option('--project <id>', "where all goes; default the export's own project, or demo")
    .addHelpText('after', HELP)
    .action((file: string, _, command: Command) => run(file, command.optsWithGlobals()));
}

async function run(file: string, flags: DataFlags): Promise<void> {
  const size = file === '-' ? 0 : sizeOf(file);
  const data = await dataOf(flags, { mustExist: false });
  await withStore(data, async (store) => {
    const { imported, isWhole } = await importAll(store, file, size, {
      projectId: flags.project,
      defaultProject: data.project,
    });
    const { projectId, stored, known, bad } = imported;
    const counted = Object.entries(stored).map(([kind, count]) => `${count} ${kind}(s)`);
    if (Object.values(stored).some((count) => count > 0)) {
      await store.audit.note(projectId, {
        ...{ actor: theCommandLine(), act: 'data.import', subject: projectId },
        details: { ...stored },
      });
    }
    await store.transfer.settle();
    console.log(
      `imported ${counted.join(', ')} into the project ${projectId}; ${known} were there already, ` +
        `${bad} line(s) were left out`,
    );
    if (stored.task + stored.session > 0 && (await store.keys.list(projectId)).length === 0) {
      console.error(
        `Project ${projectId} has no API key yet: \`phospho-express collector keys create --project ${projectId}\` makes one`,
      );
    }
    if (bad > 0 || !isWhole) process.exitCode = 1;
  });
}

function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) {
    throw new PhosphoConfigError(`import takes the path of a file; there is none at ${file}`);
  }
  return found.size;
}

/** A task's line is hardly longer than the largest body that brought it; and a file may be anybody's. */
const MAX_LINE_BYTES = 128 * 2 ** 20;
/** Problems that are told of one by one. */
const TOLD = 20;

async function importAll(
  store: Store,
  file: string,
  size: number,
  projects: { projectId: string | undefined; defaultProject: string },
): Promise<{ imported: Imported; isWhole: boolean }> {
  const { Importer } = await import('../../collector/transfer/importer.ts');
  let told = 0;
  const importer = new Importer(store, {
    ...projects,
    actor: theCommandLine(),
    onProblem: (line, problem) => {
      if (++told <= TOLD) console.error(`line ${line}: ${printable(problem)}`);
      else if (told === TOLD + 1) console.error('… further lines are counted only');
    },
  });
  const progress = new Progress(Math.ceil(size / 1024), { done: 'KiB read' });
  let isStopped = false;
  void stopRequested().then(() => {
    isStopped = true;
  });
  let isWhole = true;
  let read = 0;
  const source: Readable = file === '-' ? process.stdin : createReadStream(file);
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
  }
  try {
    for await (const line of linesIn(inflated(counted()), MAX_LINE_BYTES)) {
      if (line.isTooLong)
        importer.leaveOut(line.number, `is longer than ${MAX_LINE_BYTES / 2 ** 20} MiB`);
      else if (!isBlank(line)) await importer.take(line.number, line.bytes);
      progress.reach(Math.floor(read / 1024));
      if (isStopped) break;
    }
  } catch (error) {
    if (!isOfInput(error)) throw error;
    // What came before it is stored.
    console.error(`the file ends early: ${explain(error)}`);
    isWhole = false;
  } finally {
    progress.stop();
    source.destroy();
  }
  await importer.flush();
  if (isStopped) console.error('Stopped; the same command goes on.');
  return { imported: importer.imported, isWhole: isWhole && !isStopped };
}

/** Errors of zlib, and of reading the file. */
function isOfInput(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return (typeof code === 'string' && code.startsWith('Z_')) || syscall === 'read';
}

/** What is compressed with gzip tells so by its first two bytes. */
async function* inflated(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let first = Buffer.alloc(0);
  while (first.length < 2) {
    const { value, done } = await chunks.next();
    if (done) break;
    first = Buffer.concat([first, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield first;
    yield* chunks;
  }
  if (first[0] !== 0x1f || first[1] !== 0x8b) return yield* all();
  const gunzip = createGunzip();
  const input = Readable.from(all());
  input.on('error', (error) => gunzip.destroy(error));
  yield* input.pipe(gunzip) as AsyncIterable<Buffer>;
}

/** A line's own text must not move the terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ').slice(0, 300);
}
