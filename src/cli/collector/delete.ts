import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { theCommandLine } from '../../collector/admin/actors.ts';
import type { Removed, Store, Subject } from '../../collector/store/store.ts';
import { PhosphoConfigError, PhosphoError } from '../../errors.ts';
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

interface Flags extends DataFlags {
  task?: string;
  session?: string;
  user?: string;
  all?: boolean;
  yes?: boolean;
}

const HELP = `
What was made of the tasks goes with them: verdicts, the words of the search, their share of the figures, previews of
sessions, spans that wait. A session goes with its last task, save with --task. Events that are sent again are not
stored for 48 h. The collector may run meanwhile. What was broken off is ended by the same command.

Exit codes: 0 done, 1 nothing is there under that id, or broken off, 2 wrong usage, or not confirmed.`;

/** `phospho-express collector delete`: people's right to be forgotten. */
export function deleteCommand(): Command {
  return new Command('delete')
    .description('Delete a task, a session, all of a user, or all that a project has stored.')
    .addOption(databaseOption())
    .addOption(projectOption())
    .option('--task <id>', 'a task; its session stays')
    .option('--session <id>', 'a session and its tasks')
    .option('--user <id>', "a user's tasks, and the sessions that have no others")
    .option('--all', 'all tasks, sessions, tests and comparisons; the project and its keys stay')
    .option('--yes', 'do not ask; needed where there is no terminal')
    .addHelpText('after', HELP)
    .action((_, command: Command) => run(command.optsWithGlobals()));
}

async function run(flags: Flags): Promise<void> {
  const subject = subjectOf(flags);
  const data = await dataOf(flags, { mustExist: true });
  await withStore(data, async (store) => {
    await assertProject(store, data.project);
    const { project } = data;
    const there = await store.removal.count(project, subject);
    const what =
      subject.kind === 'project'
        ? `the whole project ${project}`
        : `${subject.kind} ${subject.id} of the project ${project}`;
    if (there.tasks + there.sessions === 0 && subject.kind !== 'project') {
      console.log(`nothing is stored of ${what}`);
    } else if (!flags.yes) {
      await confirm(`${counted(there)} of ${what} will be deleted`);
    }
    // Spans may wait that tell of it.
    const gone = await remove(store, project, subject, there);
    if (gone === undefined) {
      process.exitCode = 1;
      return;
    }
    if (gone.tasks + gone.sessions > 0) console.log(`deleted ${counted(gone)} of ${what}`);
    await scrub(store);
  });
}

function subjectOf({ task, session, user, all }: Flags): Subject {
  const subjects: Subject[] = [
    ...(task !== undefined ? [{ kind: 'task' as const, id: task }] : []),
    ...(session !== undefined ? [{ kind: 'session' as const, id: session }] : []),
    ...(user !== undefined ? [{ kind: 'user' as const, id: user }] : []),
    ...(all ? [{ kind: 'project' as const }] : []),
  ];
  const [subject] = subjects;
  if (subject === undefined || subjects.length > 1 || ('id' in subject && subject.id === '')) {
    throw new PhosphoConfigError(
      'delete takes one of --task <id>, --session <id>, --user <id> and --all; ' +
        `${subjects.length === 1 ? 'an empty id' : subjects.length} came`,
    );
  }
  return subject;
}

function counted({ tasks, sessions }: Removed): string {
  return `${tasks} task(s) and ${sessions} session(s)`;
}

/** @throws PhosphoConfigError unless a person says yes */
async function confirm(what: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PhosphoConfigError(`${what}. Nothing was deleted: give --yes to do it`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${what}. There is no way back. Delete? [y/N] `);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw new PhosphoConfigError('nothing was deleted');
  } finally {
    terminal.close();
  }
}

async function remove(
  store: Store,
  project: string,
  subject: Subject,
  there: Removed,
): Promise<Removed | undefined> {
  const abort = new AbortController();
  void stopRequested().then(() => abort.abort());
  const progress = new Progress(there.tasks, { done: 'tasks deleted' });
  let gone: Removed = { tasks: 0, sessions: 0 };
  let isDone = false;
  try {
    const found = await store.removal.remove(project, subject, {
      signal: abort.signal,
      onStep: (soFar) => {
        gone = soFar;
        progress.reach(soFar.tasks);
      },
    });
    isDone = true;
    return found;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    throw new PhosphoError(`broken off after ${counted(gone)}. The same command goes on`);
  } finally {
    progress.stop();
    if (gone.tasks + gone.sessions > 0) {
      await store.audit.note(project, {
        actor: theCommandLine(),
        act: `${subject.kind}.delete`,
        subject: subject.kind === 'project' ? project : subject.id,
        details: { ...gone, ...(!isDone && { broken_off: true }) },
      });
    }
  }
}

/** Milliseconds; a million tasks take longer, and are left to a collector. */
const PATIENCE_MS = 60_000;
/** Milliseconds between two steps at least: others read, and so keep it from ending. */
const LEAST_PAUSE_MS = 10;

/** Sees to it that the texts are out of the files, too. */
async function scrub(store: Store): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const start = performance.now();
    if (await store.removal.scrub()) return;
    if (start > end) break;
    await delay(Math.max(LEAST_PAUSE_MS, performance.now() - start));
  }
  console.error(
    'Words of it are in the file of the database yet, since it is large or in use. A collector that runs, or the ' +
      'next one, takes them out within minutes.',
  );
}
