import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who writes to a directory or a file: enough to tell whether that process still lives. */
interface Owner {
  pid: number;
  /** Where `pid` means something: a boot of a machine, and within it a container. 48 bits of a hash. */
  space: string;
  /** Ticks from boot to the start of the process; with it a pid that was given again is recognised. */
  startedAt: string | undefined;
}

let self: Owner | undefined;

function thisProcess(): Owner {
  self ??= { pid: process.pid, space: pidSpace(), startedAt: startOf(process.pid) };
  return self;
}

/**
 * This process, as part of a name. What carries it in its name has an owner from the moment at which it has
 * the name: there is no instant at which it has none, or another one's.
 */
export function ownerTag(): string {
  const { space, pid, startedAt = '0' } = thisProcess();
  return `${space}-${pid}-${startedAt}`;
}

/** The end of a name, as a pattern. */
export const OWNER_TAG = '[0-9a-f]{12}-\\d+-\\d+';

export function parseOwnerTag(tag: string): Owner {
  const [space = '', pid, startedAt] = tag.split('-');
  return { space, pid: Number(pid), startedAt: startedAt === '0' ? undefined : startedAt };
}

/** `gone`: it has ended for sure. `unknown`: it may run in another container or on another machine. */
export function stateOfOwner(owner: Owner): 'alive' | 'gone' | 'unknown' {
  if (owner.space !== thisProcess().space) return 'unknown';
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'gone';
  }
  const startedAt = startOf(owner.pid);
  if (startedAt === undefined || owner.startedAt === undefined) return 'alive';
  return startedAt === owner.startedAt ? 'alive' : 'gone';
}

/** Linux has an id for each boot, and one for each namespace of pids; elsewhere the host's name has to do. */
function pidSpace(): string {
  let space: string;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    space = `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    space = hostname();
  }
  return createHash('sha256').update(space).digest('hex').slice(0, 12);
}

/**
 * Fields 3 and 22 of `/proc/<pid>/stat` (proc(5)); the name before them, in parentheses, may hold anything. One
 * that has ended and whose parent has not asked for it is still there, as a zombie.
 */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? 'ended' : fields[19];
  } catch {
    return undefined;
  }
}
