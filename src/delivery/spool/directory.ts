import { basename, dirname, join } from 'node:path';
import { uuidv7 } from '../../internal/ids.ts';
import { attempt, DIRECTORY_MODE, hasCode, type SpoolFiles } from './files.ts';
import { OWNER_TAG, ownerTag } from './owner.ts';
import { type RecordKind, recordBytes } from './record.ts';
import { Segment } from './segment.ts';

/** A UUID, and whose it is; one that was given up says so. */
const NAME = new RegExp(`^[0-9a-f-]{36}-(?:(${OWNER_TAG})|free)$`);

/** The tag of the owner, null where it was given up; undefined: not the name of such a directory. */
export function ownerIn(name: string): string | null | undefined {
  const match = NAME.exec(name);
  return match ? (match[1] ?? null) : undefined;
}

/**
 * A directory of segments that one owner, this process, writes and reads. Its name says whose it is, and its
 * time of change is the owner's sign of life.
 */
export class SpoolDirectory {
  readonly path: string;
  readonly #files: SpoolFiles;
  readonly #segments: Segment[] = [];
  #current: Segment | undefined;
  #created = 0;
  #isListed = true;
  #beatAt = performance.now();
  /** Another process has taken it over. */
  isLost = false;

  private constructor(files: SpoolFiles, path: string) {
    this.#files = files;
    this.path = path;
  }

  /** Makes the base where it is missing, and in it a directory of this process. */
  static create(files: SpoolFiles, base: string): SpoolDirectory {
    const path = join(base, newName());
    files.mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
    return new SpoolDirectory(files, path);
  }

  /** Takes a directory over; undefined: another process was faster. */
  static claim(files: SpoolFiles, base: string, name: string): SpoolDirectory | undefined {
    const path = join(base, name);
    const mine = join(base, newName());
    try {
      // Before the rename, so that it is never seen with this owner's name and the last one's sign of life.
      files.utimesSync(path, new Date(), new Date());
      // Only one process can rename it: who fails finds nothing under the old name.
      files.renameSync(path, mine);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const directory = new SpoolDirectory(files, mine);
    directory.#isListed = false;
    return directory;
  }

  /** Whether all that is in it has been looked through. */
  get isKnown(): boolean {
    return this.#isListed && this.#segments.every(({ isKnown }) => isKnown);
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0);
  }

  get unread(): number {
    return this.#segments.reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Appends to the last segment, or to a new one where that is full. Throws what the file system throws. */
  append(
    kind: RecordKind,
    at: number,
    text: string,
    bytes: number,
    { maxSegmentBytes, syncFirst }: { maxSegmentBytes: number; syncFirst: boolean },
  ): { segment: Segment; seq: number } {
    let segment = this.#current;
    if (segment && segment.size > 0 && segment.size + recordBytes(bytes) > maxSegmentBytes) {
      this.sealCurrent(syncFirst);
      segment = undefined;
    }
    if (segment === undefined) {
      this.#created += 1;
      const name = `${this.#created}`.padStart(8, '0');
      segment = Segment.create(this.#files, join(this.path, `${name}.log`));
      this.#segments.push(segment);
      this.#current = segment;
    }
    return { segment, seq: segment.append(kind, at, text, bytes) };
  }

  /** The next record goes to a new segment: this one is full, or its disk has failed. */
  sealCurrent(syncFirst = false): void {
    this.#current?.seal(syncFirst);
    if (this.#current?.isOver) this.drop(this.#current);
    this.#current = undefined;
  }

  get current(): Segment | undefined {
    return this.#current;
  }

  /** The segments that are there, oldest first; those that are not known yet become part of this. */
  discover(): Segment[] {
    const known = new Set(this.#segments.map(({ path }) => path));
    const names = this.#files.readdirSync(this.path);
    for (const name of names) {
      // The log was removed, and this could not be.
      if (/^\d+\.done$/.test(name) && !names.includes(name.replace('.done', '.log'))) {
        attempt(() => this.#files.unlinkSync(join(this.path, name)));
      }
    }
    const found = names
      .filter((name) => /^\d+\.log$/.test(name))
      .sort()
      .map((name) => join(this.path, name))
      .filter((path) => !known.has(path))
      .map((path) => Segment.recover(this.#files, path));
    this.#segments.push(...found);
    this.#isListed = true;
    return found;
  }

  /** One that cannot be removed stays, and is dropped again later. */
  drop(segment: Segment): void {
    const index = this.#segments.indexOf(segment);
    if (index >= 0 && segment.remove()) this.#segments.splice(index, 1);
  }

  /** Milliseconds since the last sign of life. */
  get silentForMs(): number {
    return performance.now() - this.#beatAt;
  }

  /** A sign of life. Where the directory has gone, another process took this one for dead. */
  beat(): void {
    const now = new Date();
    try {
      this.#files.utimesSync(this.path, now, now);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) this.isLost = true;
    }
    this.#beatAt = performance.now();
  }

  /** Makes new names in it, its own, and that of the base outlast a loss of power. */
  syncNames(base: string): void {
    for (const path of [this.path, base]) syncDirectory(this.#files, path);
    // It may not be ours to read.
    attempt(() => syncDirectory(this.#files, dirname(base)));
  }

  /** Gives it up: an empty one is removed, any other is free for the next process. False: it is still there. */
  release(): boolean {
    this.sealCurrent();
    for (const segment of [...this.#segments]) {
      if (segment.isOver) this.drop(segment);
      else segment.close();
    }
    if (this.isLost) return true;
    if (this.#segments.length > 0) {
      const free = `${basename(this.path).slice(0, 36)}-free`;
      attempt(() => this.#files.renameSync(this.path, join(dirname(this.path), free)));
      return false;
    }
    try {
      this.#files.rmdirSync(this.path);
      return true;
    } catch (error) {
      return hasCode(error, 'ENOENT');
    }
  }
}

/** Where a directory cannot be synced (Windows, some network volumes), there is nothing to be done. */
function syncDirectory(files: SpoolFiles, path: string): void {
  try {
    const fd = files.openSync(path, 'r');
    try {
      files.fsyncSync(fd);
    } finally {
      files.closeSync(fd);
    }
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].some((code) => hasCode(error, code))) throw error;
  }
}

/** In the order of their making, and never the same twice, whichever machine shares the volume. */
function newName(): string {
  return `${uuidv7()}-${ownerTag()}`;
}
