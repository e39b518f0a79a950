import { attempt, FILE_MODE, hasCode, readPart, type SpoolFiles, writeFully } from './files.ts';
import {
  countLines,
  decodeEnds,
  encodeEnd,
  encodeRecord,
  findRecord,
  type RecordKind,
  type SpoolRecord,
} from './record.ts';

/** Records that are on disk alone, settled in one epoch, in the order of the segment. */
interface Run {
  readonly epoch: number;
  /** What the wall clock was ahead of the monotonic one, milliseconds; undefined: another process wrote them. */
  readonly ahead: number | undefined;
  count: number;
}

/** Clocks that are further apart than before have jumped, milliseconds. */
const MAX_DRIFT_MS = 1_000;

/** An event that came back from disk. */
export interface UnreadEvent {
  readonly seq: number;
  readonly at: number;
  readonly text: string;
  readonly epoch: number;
  /** Makes `at` a time of the monotonic clock, however the wall clock has jumped since; see Run. */
  readonly ahead: number | undefined;
}

export interface ReadResult {
  readonly events: UnreadEvent[];
  /** The epochs of those that will never be read: their records are damaged, or the file has gone. */
  readonly lost?: readonly number[];
  /** Why it stopped: the file system refused. */
  readonly error?: unknown;
}

/**
 * One append-only file of records, and beside it the list of those that have ended. It is read in order:
 * events before the cursor are in memory or over, those after it are on disk alone.
 */
export class Segment {
  readonly path: string;
  readonly #files: SpoolFiles;
  #log: number | undefined;
  #ends: number | undefined;
  #size = 0;
  #nextSeq = 0;
  /** Records that have not ended. */
  #open = 0;
  #unread = 0;
  #runs: Run[] = [];
  #cursor = 0;
  /** What has been read ahead of the cursor, from there on. */
  #window: Buffer | undefined;
  /** Ended in the life of an earlier owner. */
  #endedBefore: ReadonlySet<number> = new Set();
  /** Ended, and not yet written down. */
  #endedNow: number[] = [];
  /** The list of those that have ended breaks off in the middle of a line. */
  #areEndsTorn = false;
  /** The log of a sealed segment, until the last sync has come back. */
  #sealedLog: number | undefined;
  #syncs = 0;
  isSealed = false;
  #isKnown = true;

  private constructor(files: SpoolFiles, path: string) {
    this.#files = files;
    this.path = path;
  }

  static create(files: SpoolFiles, path: string): Segment {
    const segment = new Segment(files, path);
    segment.#log = files.openSync(path, 'ax', FILE_MODE);
    return segment;
  }

  /** A segment that another process has left. */
  static recover(files: SpoolFiles, path: string): Segment {
    const segment = new Segment(files, path);
    segment.isSealed = true;
    segment.#isKnown = false;
    attempt(() => {
      const ends = files.readFileSync(endsOf(path), 'latin1');
      segment.#endedBefore = decodeEnds(ends);
      segment.#areEndsTorn = ends !== '' && !ends.endsWith('\n');
    });
    return segment;
  }

  get size(): number {
    return this.#size;
  }

  get unread(): number {
    return this.#unread;
  }

  /** Whether it is known what is in it. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Whether nothing in it is needed any more. */
  get isOver(): boolean {
    return this.isSealed && this.#isKnown && this.#open === 0;
  }

  /** Adds a record; returns its position. Throws what the file system throws, and then nothing was added. */
  append(kind: RecordKind, at: number, text: string, bytes: number): number {
    const seq = this.#nextSeq;
    const line = encodeRecord(kind, seq, at, text, bytes);
    const fd = this.#log as number;
    try {
      writeFully(this.#files, fd, line);
    } catch (error) {
      // Half a record would hide the one that is written after it.
      attempt(() => this.#files.ftruncateSync(fd, this.#size));
      throw error;
    }
    // Where nothing is on disk alone, the cursor keeps to the end.
    if (this.#unread === 0) this.#cursor = this.#size + line.length;
    this.#size += line.length;
    this.#nextSeq += 1;
    this.#open += 1;
    return seq;
  }

  /** The record appended last stays on disk alone. */
  leaveUnread(epoch: number, lineBytes: number): void {
    if (this.#unread === 0) this.#cursor = this.#size - lineBytes;
    this.#unread += 1;
    const last = this.#runs.at(-1);
    const ahead = Date.now() - performance.now();
    const isSame = last?.epoch === epoch && Math.abs(ahead - (last.ahead ?? 0)) < MAX_DRIFT_MS;
    if (last && isSame) last.count += 1;
    else this.#runs.push({ epoch, ahead, count: 1 });
  }

  /**
   * Looks through what is in the file beyond what is known of it: events count as on disk alone, flags are
   * returned too, with how many records were damaged. `isFinal`: nobody adds to it any more, so that what is
   * damaged counts as ended, and is not told of by the next process again.
   */
  discover(
    epoch: number,
    isFinal: boolean,
  ): { events: SpoolRecord[]; flags: SpoolRecord[]; damaged: number } {
    const bytes = readPart(
      this.#files,
      this.path,
      this.#size,
      this.#files.statSync(this.path).size,
    );
    const flags: SpoolRecord[] = [];
    const firstSeq = this.#nextSeq;
    const seen = new Set<number>();
    const events: SpoolRecord[] = [];
    let whole = 0;
    for (let found = findRecord(bytes, 0); found; found = findRecord(bytes, found.end)) {
      const { record, end } = found;
      whole = end;
      this.#nextSeq = Math.max(this.#nextSeq, record.seq + 1);
      seen.add(record.seq);
      if (this.#endedBefore.has(record.seq)) continue;
      (record.kind === 'event' ? events : flags).push(record);
    }
    const endedBehind = [...this.#endedBefore].filter((seq) => seq >= this.#nextSeq).length;
    const afterLast = Math.max(0, countLines(bytes.subarray(whole)) - endedBehind);
    const damaged: number[] = [];
    for (let seq = firstSeq; seq < this.#nextSeq; seq++) {
      if (!seen.has(seq) && !this.#endedBefore.has(seq)) damaged.push(seq);
    }
    for (let n = 0; n < afterLast; n++) damaged.push(this.#nextSeq + endedBehind + n);
    if (isFinal) this.#endedNow.push(...damaged);
    this.#isKnown = true;
    this.#size += bytes.length;
    this.#open += events.length + flags.length;
    this.#unread += events.length;
    if (events.length > 0) this.#runs.push({ epoch, ahead: undefined, count: events.length });
    return { events, flags, damaged: damaged.length };
  }

  /**
   * Brings back events that are on disk alone, the oldest first. What the file system refuses to read can be
   * tried again, unless there is no such file.
   */
  read(maxEvents: number, maxBytes: number): ReadResult {
    const events: UnreadEvent[] = [];
    let bytes = 0;
    while (this.#unread > 0 && events.length < maxEvents && bytes < maxBytes) {
      let record: SpoolRecord | undefined;
      try {
        record = this.#nextRecord();
      } catch (error) {
        return hasCode(error, 'ENOENT')
          ? { events, lost: this.giveUp(), error }
          : { events, error };
      }
      if (record === undefined) return { events, lost: this.giveUp() };
      // Flags are in memory from the start.
      if (record.kind === 'flag' || this.#endedBefore.has(record.seq)) continue;
      const text = record.text();
      bytes += text.length;
      events.push({ seq: record.seq, at: record.at, text, ...this.#takeRun() });
    }
    if (this.#unread === 0) {
      this.#window = undefined;
      this.#cursor = this.#size;
    }
    return { events };
  }

  /** What is on disk alone will not be read. Returns the epoch of each. */
  giveUp(): number[] {
    const epochs = Array.from({ length: this.#unread }, () => this.#takeRun().epoch);
    this.#open -= epochs.length;
    this.#window = undefined;
    this.#cursor = this.#size;
    return epochs;
  }

  /** A record has come to its end: it need not be sent again after a restart. */
  end(seq: number): void {
    this.#open -= 1;
    this.#endedNow.push(seq);
  }

  /** Writes down which records have ended. What that fails for is tried again with the next. */
  writeEnds(): void {
    if (this.#endedNow.length === 0) return;
    const lines = this.#endedNow.map(encodeEnd).join('');
    const text = this.#areEndsTorn ? `\n${lines}` : lines;
    const isWritten = attempt(() => {
      this.#ends ??= this.#files.openSync(endsOf(this.path), 'a', FILE_MODE);
      writeFully(this.#files, this.#ends, Buffer.from(text, 'latin1'));
    });
    this.#areEndsTorn = !isWritten;
    if (isWritten) this.#endedNow = [];
  }

  /** Brings what was written to the disk, in the background. */
  syncSoon(done: (error: unknown) => void): void {
    if (this.#log !== undefined) this.#syncInBackground(this.#log, done);
  }

  /** The same now. */
  sync(): void {
    if (this.#log !== undefined) this.#files.fdatasyncSync(this.#log);
  }

  /** No more appends. `syncFirst`: its last records are brought to the disk in the background. */
  seal(syncFirst: boolean): void {
    this.isSealed = true;
    const fd = this.#log;
    this.#log = undefined;
    if (fd === undefined) return;
    this.#sealedLog = fd;
    if (syncFirst) this.#syncInBackground(fd, () => {});
    else this.#closeLog();
  }

  #syncInBackground(fd: number, done: (error: unknown) => void): void {
    this.#syncs += 1;
    this.#files.fdatasync(fd, (error) => {
      this.#syncs -= 1;
      this.#closeLog();
      done(error);
    });
  }

  /** Not while a sync is under way: its number could be that of another file by then. */
  #closeLog(): void {
    const fd = this.#sealedLog;
    if (fd === undefined || this.#syncs > 0) return;
    this.#sealedLog = undefined;
    attempt(() => this.#files.closeSync(fd));
  }

  close(): void {
    this.writeEnds();
    this.seal(false);
    this.#window = undefined;
    const fd = this.#ends;
    this.#ends = undefined;
    if (fd !== undefined) attempt(() => this.#files.closeSync(fd));
  }

  /** False: the file system refused, and some of it is still there. */
  remove(): boolean {
    const isGone = unlink(this.#files, this.path);
    if (isGone) this.#endedNow = [];
    this.close();
    return isGone && unlink(this.#files, endsOf(this.path));
  }

  #nextRecord(): SpoolRecord | undefined {
    const known = this.#window && findRecord(this.#window, 0);
    if (known === undefined) {
      if (this.#cursor >= this.#size) return undefined;
      this.#window = readPart(this.#files, this.path, this.#cursor, this.#size);
    }
    const window = this.#window as Buffer;
    const found = known ?? findRecord(window, 0);
    if (found === undefined) {
      this.#cursor = this.#size;
      this.#window = undefined;
      return undefined;
    }
    this.#cursor += found.end;
    this.#window = window.subarray(found.end);
    return found.record;
  }

  #takeRun(): { epoch: number; ahead: number | undefined } {
    const run = this.#runs[0] as Run;
    run.count -= 1;
    this.#unread -= 1;
    if (run.count === 0) this.#runs.shift();
    return { epoch: run.epoch, ahead: run.ahead };
  }
}

/** Whether there is no such file any more. */
function unlink(files: SpoolFiles, path: string): boolean {
  try {
    files.unlinkSync(path);
    return true;
  } catch (error) {
    return hasCode(error, 'ENOENT');
  }
}

function endsOf(path: string): string {
  return path.replace(/\.log$/, '.done');
}
