import {
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { FILE_MODE } from '../../delivery/spool/files.ts';

/** Whole lines that are appended in one write, bytes. */
const WRITE_BYTES = 256 * 1024;

/** Appends whole lines, many in one write, to a file that the app may append to as well. */
export class Appender {
  readonly #target: string;
  readonly #model: string;
  #fd: number | undefined;
  #lines: Buffer[] = [];
  #bytes = 0;

  /** @param model the file whose owner the target gets where it is made */
  constructor(target: string, model: string) {
    this.#target = target;
    this.#model = model;
  }

  add(line: Buffer): void {
    this.#lines.push(line, Buffer.from('\n'));
    this.#bytes += line.length + 1;
    if (this.#bytes >= WRITE_BYTES) this.#write();
  }

  /** All of it is on the disk when this returns. */
  finish(): void {
    if (this.#lines.length > 0) this.#write();
    if (this.#fd !== undefined) fsyncSync(this.#fd);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(): void {
    this.#fd ??= this.#open();
    writeFileSync(this.#fd, Buffer.concat(this.#lines));
    this.#lines = [];
    this.#bytes = 0;
  }

  #open(): number {
    const fd = openSync(this.#target, 'a+', FILE_MODE);
    const { uid, gid } = statSync(this.#model);
    const { uid: current, size } = fstatSync(fd);
    // Root's replay must leave a file that the app can append to.
    if (process.getuid?.() === 0 && current !== uid) fchownSync(fd, uid, gid);
    const last = Buffer.alloc(1);
    // After a line that was cut off, ours would be unreadable too.
    if (size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last.toString() !== '\n') {
      writeFileSync(fd, '\n');
    }
    return fd;
  }
}
