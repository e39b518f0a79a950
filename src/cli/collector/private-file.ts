import { chmodSync, closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
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

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
