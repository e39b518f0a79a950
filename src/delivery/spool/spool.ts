import { SpoolDirectory } from './directory.ts';
import { NODE_FILES, refuseUnsafe, type SpoolFiles } from './files.ts';
import { LEASE_MS, OrphanWatch } from './orphans.ts';
import { type RecordKind, recordBytes, type SpoolRecord } from './record.ts';
import type { Segment } from './segment.ts';

/** What survives: `never` asks nothing of the disk, `interval` twice a second, `always` at each record. */
export type SpoolSync = 'never' | 'interval' | 'always';

export interface SpoolSettings {
  dir: string;
  sync: SpoolSync;
  maxBytes: number;
  maxAgeMs: number;
  files?: SpoolFiles;
}

/** Where a record is. */
export interface SpoolRef {
  readonly directory: SpoolDirectory;
  readonly segment: Segment;
  readonly seq: number;
}

/** An event that came back from disk. */
export interface SpooledEvent {
  readonly ref: SpoolRef;
  readonly json: string;
  readonly epoch: number;
  /** UNIX milliseconds. */
  readonly at: number;
  /** Of the wall clock before the monotonic one when it was written; undefined: by another process. */
  readonly ahead: number | undefined;
}

/** A flag that an earlier process has left. */
export interface SpooledFlag {
  readonly ref: SpoolRef;
  readonly json: string;
}

/** What the spool tells delivery. */
export interface SpoolListener {
  /** The epoch that what is found now belongs to. */
  epoch(): number;
  /** Another process has left these: they count from here on. */
  onFound(found: { events: readonly SpoolRecord[]; damaged: number; epoch: number }): void;
  /** Once all events beside them have been found; in the order in which they were given. */
  onFlags(flags: readonly SpooledFlag[]): void;
  /** Events on disk alone that this process will not see again. */
  onLost(reason: 'corrupt' | 'adopted', epochs: readonly number[], error: unknown): void;
  /** Those that could not be read may be tried again. */
  onReadable(): void;
  /** Once, until the same works again. */
  onFault(error: unknown): void;
  onRecovered(): void;
}

/** The state of the spool, in `stats()`. */
export interface SpoolStats {
  /** `failing`: the disk refuses, and new events are in memory only until it is tried again. */
  state: 'ok' | 'failing';
  bytes: number;
  segments: number;
}

const TICK_MS = 10_000;
const SYNC_MS = 500;
/** A disk that refused is asked again after so long, milliseconds. */
const RETRY_MS = 30_000;
const MIN_SEGMENT_BYTES = 65_536;
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;

/**
 * The write-ahead log: what was appended here survives the end of the process, however it comes, until it
 * has ended. The records of one process form one queue; its head is in memory, its tail on disk alone.
 */
export class Spool {
  readonly #settings: SpoolSettings;
  readonly #files: SpoolFiles;
  readonly #listener: SpoolListener;
  readonly #orphans: OrphanWatch;
  readonly #segmentBytes: number;
  #own: SpoolDirectory | undefined;
  /**
   * Directories of others, and until when they are watched for what their owner, if it lives, still adds;
   * 0: no longer.
   */
  readonly #adopted = new Map<SpoolDirectory, number>();
  readonly #touched = new Map<Segment, SpoolDirectory>();
  readonly #unsynced = new Set<Segment>();
  /** Those that the disk refused to read, and when it is asked again. */
  readonly #unreadable = new Map<Segment, number>();
  #retryAt = 0;
  #isFailing = false;
  /** What has failed, and been told of. */
  readonly #told = new WeakSet<object>();
  #looking = 0;
  /** Taken over and empty, and yet not to be removed: the disk refuses, or something else is in there. */
  readonly #leftBehind = new Set<SpoolDirectory>();
  #isClosed = false;
  #tickTimer: NodeJS.Timeout | undefined;
  #syncTimer: NodeJS.Timeout | undefined;

  constructor(settings: SpoolSettings, listener: SpoolListener) {
    this.#settings = settings;
    this.#files = settings.files ?? NODE_FILES;
    this.#listener = listener;
    this.#orphans = new OrphanWatch(this.#files, settings.dir);
    this.#segmentBytes = Math.min(
      MAX_SEGMENT_BYTES,
      Math.max(MIN_SEGMENT_BYTES, settings.maxBytes / 16),
    );
  }

  /** Looks for what others have left, now and from time to time. */
  start(): void {
    this.#tickTimer = setInterval(() => this.#tick(), TICK_MS);
    this.#tickTimer.unref();
    setImmediate(() => this.#lookForOrphans()).unref();
  }

  /** Events of this process that are on disk alone. */
  get behind(): number {
    return this.#own?.unread ?? 0;
  }

  get hasUnread(): boolean {
    return this.#directories().some(({ unread }) => unread > 0);
  }

  stats(): SpoolStats {
    const directories = this.#directories();
    return {
      state: this.#isFailing ? 'failing' : 'ok',
      bytes: directories.reduce((sum, { bytes }) => sum + bytes, 0),
      segments: directories.reduce((sum, { segments }) => sum + segments.length, 0),
    };
  }

  /** Whether a record of so many bytes would be over the limit. */
  isFullFor(bytes: number): boolean {
    return this.stats().bytes + recordBytes(bytes) > this.#settings.maxBytes;
  }

  /** Those that go once they are over, oldest first: what is full is emptied from here. */
  segments(): Segment[] {
    const adopted = [...this.#adopted.keys()].filter((directory) => !this.#isWatched(directory));
    const directories = this.#own ? [...adopted, this.#own] : adopted;
    return directories.flatMap(({ segments }) => segments);
  }

  /** Synchronously; undefined: the disk refused, and the record is the caller's alone. */
  append(kind: RecordKind, at: number, json: string, bytes: number): SpoolRef | undefined {
    if (this.#isClosed || performance.now() < this.#retryAt) return undefined;
    let ref: SpoolRef | undefined;
    try {
      const { sync } = this.#settings;
      const directory = this.#ownDirectory();
      const before = directory.current;
      const added = directory.append(kind, at, json, bytes, {
        maxSegmentBytes: this.#segmentBytes,
        syncFirst: sync === 'interval',
      });
      ref = { directory, ...added };
      if (sync !== 'never') {
        if (before !== ref.segment) directory.syncNames(this.#settings.dir);
        if (sync === 'always') ref.segment.sync();
        else this.#syncSoon(ref.segment);
      }
    } catch (error) {
      // It may be in the file: then it counts as ended there, since the caller keeps it.
      if (ref) this.end(ref);
      this.#suspend(error);
      return undefined;
    }
    if (this.#isFailing) {
      this.#isFailing = false;
      this.#listener.onRecovered();
    }
    return ref;
  }

  /** The record appended last stays on disk alone. */
  leaveOnDisk({ segment }: SpoolRef, epoch: number, bytes: number): void {
    segment.leaveUnread(epoch, recordBytes(bytes));
  }

  /** Brings events back into memory: those of this process first, the oldest first. */
  read(maxEvents: number, maxBytes: number): SpooledEvent[] {
    const events: SpooledEvent[] = [];
    let bytes = 0;
    for (const directory of this.#directories()) {
      for (const segment of directory.segments) {
        if (events.length >= maxEvents || bytes >= maxBytes) return events;
        if (segment.unread === 0) continue;
        if (performance.now() < (this.#unreadable.get(segment) ?? 0)) continue;
        const read = this.readSegment(segment, maxEvents - events.length, maxBytes - bytes);
        for (const event of read) bytes += event.json.length;
        events.push(...read);
      }
    }
    return events;
  }

  /** The same, of one segment. */
  readSegment(
    segment: Segment,
    maxEvents: number = Infinity,
    maxBytes: number = Infinity,
  ): SpooledEvent[] {
    const directory = this.#directories().find(({ segments }) => segments.includes(segment));
    if (directory === undefined) return [];
    const { events, lost, error } = segment.read(maxEvents, maxBytes);
    if (lost) {
      if (error !== undefined) directory.beat();
      this.#touch(segment, directory);
      this.#listener.onLost(directory.isLost ? 'adopted' : 'corrupt', lost, error);
    } else if (error !== undefined) {
      const isNews = !this.#unreadable.has(segment);
      this.#unreadable.set(segment, performance.now() + RETRY_MS);
      if (isNews) this.#listener.onFault(error);
    } else this.#unreadable.delete(segment);
    return events.map(({ seq, text, epoch, at, ahead }) => ({
      ref: { directory, segment, seq },
      json: text,
      epoch,
      at,
      ahead,
    }));
  }

  /** The record need not be sent again after a restart. */
  end({ directory, segment, seq }: SpoolRef): void {
    if (this.#isClosed) return;
    segment.end(seq);
    this.#touch(segment, directory);
  }

  /** Removes now what is over, and writes down what has ended. */
  settle(): void {
    this.#tidy();
  }

  /** The next record goes to a new segment, so that this one can be removed. */
  seal(segment: Segment): void {
    if (this.#own?.current === segment) this.#own.sealCurrent(this.#settings.sync === 'interval');
  }

  /**
   * What has not ended stays on disk, for the next process. Synchronous, for the process's end. Returns the
   * epoch of each event that is on disk alone.
   */
  close(): number[] {
    if (this.#isClosed) return [];
    this.#tidy();
    this.#isClosed = true;
    clearInterval(this.#tickTimer);
    clearTimeout(this.#syncTimer);
    const directories = this.#directories();
    for (const directory of directories) directory.release();
    return directories.flatMap(({ segments }) => segments.flatMap((segment) => segment.giveUp()));
  }

  #directories(): SpoolDirectory[] {
    const adopted = [...this.#adopted.keys()];
    return this.#own ? [this.#own, ...adopted] : adopted;
  }

  #ownDirectory(): SpoolDirectory {
    // An owner that was stopped for long may have been taken for dead: it asks before it writes again.
    if (this.#own && this.#own.silentForMs > LEASE_MS / 2) this.#own.beat();
    if (this.#own?.isLost) this.#forget(this.#own);
    if (this.#own === undefined) {
      refuseUnsafe(this.#files, this.#settings.dir);
      this.#own = SpoolDirectory.create(this.#files, this.#settings.dir);
    }
    return this.#own;
  }

  /** Another process has taken it over, with all that is in it. */
  #forget(directory: SpoolDirectory): void {
    if (this.#own === directory) this.#own = undefined;
    this.#adopted.delete(directory);
    for (const segment of directory.segments) {
      const epochs = segment.giveUp();
      segment.close();
      if (epochs.length > 0) this.#listener.onLost('adopted', epochs, undefined);
    }
  }

  #suspend(error: unknown): void {
    const isNews = !this.#isFailing;
    this.#retryAt = performance.now() + RETRY_MS;
    this.#isFailing = true;
    this.#own?.sealCurrent();
    if (isNews) this.#listener.onFault(error);
  }

  #touch(segment: Segment, directory: SpoolDirectory): void {
    if (this.#touched.size === 0) queueMicrotask(() => this.#tidy());
    this.#touched.set(segment, directory);
  }

  /** Once for all that ended in one go. */
  #tidy(): void {
    for (const [segment, directory] of this.#touched) {
      if (directory.isLost) continue;
      if (segment.isOver && !this.#isWatched(directory)) this.#drop(segment, directory);
      else segment.writeEnds();
    }
    this.#touched.clear();
  }

  /** Its owner may live, and still add to it: there is another look to come. */
  #isWatched(directory: SpoolDirectory): boolean {
    return (this.#adopted.get(directory) ?? 0) > 0;
  }

  #drop(segment: Segment, directory: SpoolDirectory): void {
    this.#unsynced.delete(segment);
    this.#unreadable.delete(segment);
    directory.drop(segment);
    if (this.#releaseEmpty(directory)) this.#lookForOrphans();
  }

  /** Those that could not be removed when they were over. */
  #dropOver(directory: SpoolDirectory): void {
    for (const segment of [...directory.segments]) {
      if (segment.isOver) this.#drop(segment, directory);
    }
  }

  /** Whether it was one of others, and nothing is left of it. */
  #releaseEmpty(directory: SpoolDirectory): boolean {
    if (directory.segments.length > 0 || !this.#adopted.has(directory)) return false;
    if (this.#isWatched(directory) || !directory.isKnown) return false;
    this.#adopted.delete(directory);
    if (!directory.release()) this.#leftBehind.add(directory);
    return true;
  }

  #syncSoon(segment: Segment): void {
    this.#unsynced.add(segment);
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined;
      for (const each of this.#unsynced) {
        each.syncSoon((error) => {
          if (error && !this.#isClosed) this.#suspend(error);
        });
      }
      this.#unsynced.clear();
    }, SYNC_MS);
    this.#syncTimer.unref();
  }

  #tick(): void {
    for (const directory of this.#directories()) {
      directory.beat();
      if (directory.isLost) this.#forget(directory);
      else if (!this.#isWatched(directory)) this.#dropOver(directory);
    }
    for (const [directory, watchedUntil] of this.#adopted) {
      // Again, too, where the disk refused to show all of it.
      const isDue = watchedUntil === 0 ? !directory.isKnown : performance.now() >= watchedUntil;
      if (!isDue || this.#looking > 0) continue;
      this.#adopted.set(directory, 0);
      void this.#discover(directory);
    }
    for (const directory of this.#leftBehind) {
      if (directory.release()) this.#leftBehind.delete(directory);
    }
    this.#lookForOrphans();
    if (this.#unreadable.size > 0) this.#listener.onReadable();
  }

  /** One at a time, so that the processes that share a volume share the work. */
  #lookForOrphans(): void {
    if (this.#isClosed || this.#looking > 0) return;
    if ([...this.#adopted.keys()].some(({ unread }) => unread > 0)) return;
    const own = new Set(this.#directories().map(({ path }) => path));
    for (const { path } of this.#leftBehind) own.add(path);
    this.#guard(() => {
      const adopted = this.#orphans.adoptOne(own);
      if (adopted === undefined) return;
      const { directory, isCertain } = adopted;
      this.#adopted.set(directory, isCertain ? 0 : performance.now() + LEASE_MS);
      void this.#discover(directory);
    }, this.#orphans);
  }

  #guard(work: () => void, about: object): void {
    try {
      work();
      this.#told.delete(about);
    } catch (error) {
      if (this.#told.has(about)) return;
      this.#told.add(about);
      this.#listener.onFault(error);
    }
  }

  /** A segment a turn of the event loop. */
  async #discover(directory: SpoolDirectory): Promise<void> {
    const flags: SpooledFlag[] = [];
    this.#looking += 1;
    this.#guard(() => directory.discover(), directory);
    for (const segment of [...directory.segments]) {
      if (this.#isClosed || directory.isLost) break;
      this.#guard(() => {
        const epoch = this.#listener.epoch();
        const found = segment.discover(epoch, !this.#isWatched(directory));
        for (const { seq, text } of found.flags) {
          flags.push({ ref: { directory, segment, seq }, json: text() });
        }
        this.#touch(segment, directory);
        this.#listener.onFound({ events: found.events, damaged: found.damaged, epoch });
      }, segment);
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#looking -= 1;
    if (this.#isClosed) return;
    this.#listener.onFlags(flags);
    this.#releaseEmpty(directory);
    this.#lookForOrphans();
  }
}
