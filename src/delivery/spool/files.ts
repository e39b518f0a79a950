import * as fs from 'node:fs';

/** The calls of `node:fs` that the spool makes: tests put a file system that fails in their place. */
export type SpoolFiles = Pick<
  typeof fs,
  | 'closeSync'
  | 'fdatasync'
  | 'fdatasyncSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'lstatSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readFileSync'
  | 'readSync'
  | 'readdirSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'statSync'
  | 'unlinkSync'
  | 'utimesSync'
  | 'writeSync'
>;

export const NODE_FILES: SpoolFiles = fs;

/** Readable and writable by the owner alone: texts of the app's users are in there. */
export const FILE_MODE = 0o600;
export const DIRECTORY_MODE = 0o700;

/** Writes all of it: one call may write less than it was given. */
export function writeFully(files: SpoolFiles, fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += files.writeSync(fd, bytes, at);
}

/** The part of a file from `from` up to `to`, or as much of it as there is. */
export function readPart(files: SpoolFiles, path: string, from: number, to: number): Buffer {
  const fd = files.openSync(path, 'r');
  try {
    const bytes = Buffer.allocUnsafe(Math.max(0, to - from));
    let length = 0;
    while (length < bytes.length) {
      const read = files.readSync(fd, bytes, length, bytes.length - length, from + length);
      if (read === 0) break;
      length += read;
    }
    return bytes.subarray(0, length);
  } finally {
    attempt(() => files.closeSync(fd));
  }
}

/** For clean-up: what cannot be removed now is found and removed by whoever adopts the directory. */
export function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

export function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

/** Throws for a base in which others could plant records, or that leads elsewhere. One that is missing is fine. */
export function refuseUnsafe(files: SpoolFiles, dir: string): void {
  let stats: ReturnType<SpoolFiles['lstatSync']>;
  try {
    stats = files.lstatSync(dir);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  if (!stats?.isDirectory()) {
    throw new Error(`spool.dir must be a directory, and no symbolic link: ${dir}`);
  }
  const mode = Number(stats.mode);
  if (process.getuid && (mode & WRITABLE_BY_ALL) > 0 && (mode & STICKY) === 0) {
    throw new Error(`spool.dir must not be writable by everybody: chmod o-w ${dir}`);
  }
}
