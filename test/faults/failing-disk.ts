import { dirname } from 'node:path';
import type { SpoolFiles } from '../../src/delivery/spool/files.ts';

/** Of a file: its bytes, and how many of them would outlast a loss of power. */
interface FileNode {
  kind: 'file';
  data: Buffer;
  synced: Buffer;
  mtimeMs: number;
}

interface DirectoryNode {
  kind: 'directory';
  mode: number;
  mtimeMs: number;
  names: Map<string, Node>;
  /** The names that would outlast a loss of power. */
  syncedNames: Map<string, Node>;
}

type Node = FileNode | DirectoryNode;

export type FileCall = keyof SpoolFiles;

/** The calls that a test lets fail. */
export const FAILING_CALLS: readonly FileCall[] = [
  'closeSync',
  'fdatasync',
  'fdatasyncSync',
  'fsyncSync',
  'ftruncateSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readFileSync',
  'readSync',
  'readdirSync',
  'renameSync',
  'rmdirSync',
  'statSync',
  'unlinkSync',
  'writeSync',
];

/** What becomes of one call: it fails with a code; a write may have written a part before, or write only that. */
export type Fault = { code: string; writes?: 'nothing' | 'half' | 'all' } | 'short write';

/** Calls that change something: a disk that is full or read-only refuses some of them. */
const CREATES: readonly FileCall[] = ['mkdirSync', 'writeSync'];
const CHANGES: readonly FileCall[] = [
  ...CREATES,
  'ftruncateSync',
  'renameSync',
  'rmdirSync',
  'unlinkSync',
  'utimesSync',
];

function failure(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${call} '${path}'`), { code });
}

/** A disk in memory, shared by several processes, each of which sees it through a view of its own. */
export class MemoryDisk {
  root: DirectoryNode = directoryNode();

  view(): DiskView {
    return new DiskView(this);
  }

  find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const part of path.split('/').filter(Boolean)) {
      node = node?.kind === 'directory' ? node.names.get(part) : undefined;
    }
    return node;
  }

  /** All files, by path. */
  files(): Map<string, FileNode> {
    const found = new Map<string, FileNode>();
    const visit = (node: Node, path: string): void => {
      if (node.kind === 'file') found.set(path, node);
      else for (const [name, child] of node.names) visit(child, `${path}/${name}`);
    };
    visit(this.root, '');
    return found;
  }

  /** Files and directories below a path. */
  countBelow(path: string): number {
    const node = this.find(path);
    if (node?.kind !== 'directory') return 0;
    return [...node.names.keys()].reduce((sum, name) => {
      return sum + 1 + this.countBelow(`${path}/${name}`);
    }, 0);
  }

  /** Only what was synced is there afterwards. */
  losePower(): void {
    const restore = (node: Node): Node => {
      if (node.kind === 'file') {
        node.data = node.synced;
        return node;
      }
      node.names = new Map([...node.syncedNames].map(([name, child]) => [name, restore(child)]));
      return node;
    };
    restore(this.root);
  }
}

function directoryNode(mode = 0o700): DirectoryNode {
  return {
    kind: 'directory',
    mode: 0o040000 | mode,
    mtimeMs: Date.now(),
    names: new Map(),
    syncedNames: new Map(),
  };
}

/** One process's sight of the disk: `files` is what its spool is given. */
export class DiskView {
  readonly #disk: MemoryDisk;
  readonly #open = new Map<number, Node>();
  #nextFd = 3;
  #calls = 0;
  #isDead = false;
  /** Asked at each call, which it may let fail. */
  faultOf: (call: FileCall, path: string, count: number) => Fault | undefined = () => undefined;
  /** At this call the process dies: it takes effect up to its half, and no later one has any. */
  diesAt: number = Number.POSITIVE_INFINITY;
  /** Faults that have been, as `call path`. */
  readonly faults: string[] = [];
  /** The directories that it made or renamed, by their paths: their names may say that they are its own. */
  readonly #named = new Map<string, Node>();

  constructor(disk: MemoryDisk) {
    this.#disk = disk;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get calls(): number {
    return this.#calls;
  }

  get openFiles(): number {
    return this.#open.size;
  }

  /** The process ends here. With `isSeen`, others can tell that by its pid. */
  die(isSeen: boolean): void {
    this.#isDead = true;
    if (!isSeen) return;
    for (const [path, node] of this.#named) {
      const parent = this.#disk.find(dirname(path));
      if (parent?.kind !== 'directory' || parent.names.get(nameOf(path)) !== node) continue;
      parent.names.delete(nameOf(path));
      // Beyond the largest pid of Linux.
      parent.names.set(nameOf(path).replace(/-\d+(-\d+)$/, `-${2 ** 30}$1`), node);
    }
  }

  static full(call: FileCall): Fault | undefined {
    return CREATES.includes(call) ? { code: 'ENOSPC', writes: 'half' } : undefined;
  }

  static readOnly(call: FileCall): Fault | undefined {
    return CHANGES.includes(call) ? { code: 'EROFS' } : undefined;
  }

  /** Runs a call, or what the fault leaves of it. */
  #run<T>(call: FileCall, path: string, work: (fault?: Fault) => T): T {
    if (this.#isDead) throw failure('EIO', call, path);
    this.#calls += 1;
    if (this.#calls >= this.diesAt) {
      if (call === 'writeSync') work({ code: 'EIO', writes: 'half' });
      this.#isDead = true;
      throw failure('EIO', call, path);
    }
    const fault = this.faultOf(call, path, this.#calls);
    if (fault === undefined) return work();
    this.faults.push(`${call} ${path}`);
    if (fault === 'short write') return work(call === 'writeSync' ? fault : undefined);
    if (call === 'writeSync' && fault.writes !== undefined) work(fault);
    throw failure(fault.code, call, path);
  }

  #parent(path: string, call: FileCall): DirectoryNode {
    const parent = this.#disk.find(dirname(path));
    if (parent?.kind !== 'directory') throw failure('ENOENT', call, path);
    return parent;
  }

  #node(path: string, call: FileCall): Node {
    const node = this.#disk.find(path);
    if (node === undefined) throw failure('ENOENT', call, path);
    return node;
  }

  #file(path: string, call: FileCall): FileNode {
    const node = this.#node(path, call);
    if (node.kind !== 'file') throw failure('EISDIR', call, path);
    return node;
  }

  #create(path: string, call: FileCall): FileNode {
    const node: FileNode = {
      kind: 'file',
      data: Buffer.alloc(0),
      synced: Buffer.alloc(0),
      mtimeMs: Date.now(),
    };
    const parent = this.#parent(path, call);
    parent.names.set(nameOf(path), node);
    parent.mtimeMs = Date.now();
    return node;
  }

  #opened(fd: number, call: FileCall): FileNode {
    const node = this.#open.get(fd);
    if (node === undefined) throw failure('EBADF', call, `${fd}`);
    if (node.kind !== 'file') throw failure('EISDIR', call, `${fd}`);
    return node;
  }

  #sync(fd: number): void {
    const node = this.#open.get(fd);
    if (node === undefined) throw failure('EBADF', 'fsyncSync', `${fd}`);
    if (node.kind === 'file') node.synced = node.data;
    else node.syncedNames = new Map(node.names);
  }

  #stats(path: string, call: FileCall): object {
    const node = this.#node(path, call);
    return {
      isDirectory: () => node.kind === 'directory',
      uid: process.getuid?.() ?? 0,
      mode: node.kind === 'directory' ? node.mode : 0o100600,
      mtimeMs: node.mtimeMs,
      size: node.kind === 'file' ? node.data.length : 0,
    };
  }

  /** The calls of `node:fs` with the arguments that the spool gives them. */
  readonly files: SpoolFiles = {
    openSync: (path: string, flags: string) =>
      this.#run('openSync', path, () => {
        const known = this.#disk.find(path);
        if (flags === 'ax' && known) throw failure('EEXIST', 'openSync', path);
        if (flags === 'r' && !known) throw failure('ENOENT', 'openSync', path);
        const node = known ?? this.#create(path, 'openSync');
        const fd = this.#nextFd++;
        this.#open.set(fd, node);
        return fd;
      }),
    closeSync: (fd: number) =>
      this.#run('closeSync', `${fd}`, () => {
        if (!this.#open.delete(fd)) throw failure('EBADF', 'closeSync', `${fd}`);
      }),
    writeSync: (fd: number, bytes: Uint8Array, from = 0) =>
      this.#run('writeSync', `${fd}`, (fault) => {
        const node = this.#opened(fd, 'writeSync');
        const all = bytes.length - from;
        const part = fault === 'short write' ? 'half' : (fault?.writes ?? 'all');
        const count = { nothing: 0, half: Math.ceil(all / 2), all }[part];
        node.data = Buffer.concat([node.data, bytes.subarray(from, from + count)]);
        return count;
      }),
    ftruncateSync: (fd: number, length: number) =>
      this.#run('ftruncateSync', `${fd}`, () => {
        const node = this.#opened(fd, 'ftruncateSync');
        node.data = node.data.subarray(0, length);
      }),
    fsyncSync: (fd: number) => this.#run('fsyncSync', `${fd}`, () => this.#sync(fd)),
    fdatasyncSync: (fd: number) => this.#run('fdatasyncSync', `${fd}`, () => this.#sync(fd)),
    fdatasync: (fd: number, done: (error: unknown) => void) => {
      setTimeout(() => {
        let error: unknown = null;
        try {
          this.#run('fdatasync', `${fd}`, () => this.#sync(fd));
        } catch (reason) {
          error = reason;
        }
        done(error);
      }, 1);
    },
    readSync: (fd: number, into: Uint8Array, offset: number, length: number, from: number) =>
      this.#run('readSync', `${fd}`, () =>
        this.#opened(fd, 'readSync').data.copy(into, offset, from, from + length),
      ),
    readFileSync: (path: string, encoding: BufferEncoding) =>
      this.#run('readFileSync', path, () =>
        this.#file(path, 'readFileSync').data.toString(encoding),
      ),
    readdirSync: (path: string) =>
      this.#run('readdirSync', path, () => {
        const node = this.#node(path, 'readdirSync');
        return node.kind === 'directory' ? [...node.names.keys()] : [];
      }),
    mkdirSync: (path: string) =>
      this.#run('mkdirSync', path, () => {
        let node: DirectoryNode = this.#disk.root;
        for (const part of path.split('/').filter(Boolean)) {
          const next = node.names.get(part) ?? directoryNode();
          if (next.kind !== 'directory') throw failure('ENOTDIR', 'mkdirSync', path);
          node.names.set(part, next);
          node = next;
        }
        this.#named.set(path, node);
        return undefined;
      }),
    renameSync: (from: string, to: string) =>
      this.#run('renameSync', from, () => {
        const node = this.#node(from, 'renameSync');
        if (this.#disk.find(to)) throw failure('ENOTEMPTY', 'renameSync', to);
        this.#parent(from, 'renameSync').names.delete(nameOf(from));
        this.#parent(to, 'renameSync').names.set(nameOf(to), node);
        this.#named.set(to, node);
      }),
    unlinkSync: (path: string) =>
      this.#run('unlinkSync', path, () => {
        this.#file(path, 'unlinkSync');
        this.#parent(path, 'unlinkSync').names.delete(nameOf(path));
      }),
    rmdirSync: (path: string) =>
      this.#run('rmdirSync', path, () => {
        if (this.#disk.countBelow(path) > 0) throw failure('ENOTEMPTY', 'rmdirSync', path);
        this.#node(path, 'rmdirSync');
        this.#parent(path, 'rmdirSync').names.delete(nameOf(path));
      }),
    utimesSync: (path: string, _: Date, time: Date) =>
      this.#run('utimesSync', path, () => {
        this.#node(path, 'utimesSync').mtimeMs = time.getTime();
      }),
    lstatSync: (path: string) => this.#run('lstatSync', path, () => this.#stats(path, 'lstatSync')),
    statSync: (path: string) => this.#run('statSync', path, () => this.#stats(path, 'statSync')),
  } as unknown as SpoolFiles;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
