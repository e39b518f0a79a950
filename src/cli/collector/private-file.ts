import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { PhosphoConfigError } from '../../errors.ts';

/**
 * Makes a file that its owner alone can read, whole or not at all: it is written under another name beside it, synced
 * and renamed.
 *
 * @param write - fills the file of this path, which is there and empty
 * @throws PhosphoConfigError where the file is there and `force` is not given, or where it cannot be made
 */
export async function makePrivateFile<T>(
  path: string,
  { force }: { force: boolean },
  write: (temporary: string) => Promise<T>,
): Promise<T> {
  const target = resolve(path);
  if (existsSync(target) && !force) {
    throw new PhosphoConfigError(`there is a file at ${target} already. --force replaces it`);
  }
  const temporary = `${target}.${process.pid}.part`;
  try {
    removeLeftovers(target);
    closeSync(openSync(temporary, 'wx', 0o600));
  } catch (cause) {
    throw new PhosphoConfigError(
      `cannot write to ${dirname(target)}: ${(cause as Error).message}. Give a path in a directory that can be written`,
      { cause },
    );
  }
  try {
    const answer = await write(temporary);
    chmodSync(temporary, 0o600);
    sync(temporary);
    renameSync(temporary, target);
    sync(dirname(target));
    return answer;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Removes what earlier attempts at the same file have left that were killed. In a container each process may have the
 * same id: what bears our own is not ours yet.
 */
function removeLeftovers(target: string): void {
  const prefix = `${basename(target)}.`;
  for (const name of readdirSync(dirname(target))) {
    if (!name.startsWith(prefix)) continue;
    const [, pid] = /^(\d+)\.part(?:-journal)?$/.exec(name.slice(prefix.length)) ?? [];
    if (pid === undefined || isOfOther(Number(pid))) continue;
    rmSync(join(dirname(target), name), { force: true });
  }
}

/** Whether another process of this id runs. */
function isOfOther(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
