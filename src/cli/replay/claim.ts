import { existsSync, readdirSync, renameSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasCode } from '../../delivery/spool/files.ts';
import { OWNER_TAG, ownerTag, parseOwnerTag, stateOfOwner } from '../../delivery/spool/owner.ts';
import { describeError } from '../../internal/hooks.ts';
import { isBlank } from '../lines.ts';
import { Appender } from './appender.ts';
import { linesOf, withMessage } from './letters.ts';

/** What became of a letter; one without an outcome stays as it is. */
export type Outcome = 'accepted' | 'superseded' | { refused: string };

/** A file that another replay has claimed. */
export interface Other {
  path: string;
  pid: number;
  /** False: that process may run elsewhere, and nobody here can tell whether it lives. */
  isCertain: boolean;
}

/** So long without a sign of life, and an owner that cannot be asked is taken for dead, milliseconds. */
const LEASE_MS = 600_000;
const BEAT_MS = 10_000;

/**
 * A file of dead letters that this process has renamed, so that no other sends it. Its name says whose it is:
 * who renames it is its owner from that moment on, and if this process dies, the next replay renames it again.
 */
export class Claim {
  readonly path: string;
  /** What it was called before. */
  readonly origin: string;
  readonly outcomes: Map<number, Outcome> = new Map();
  readonly #timer: NodeJS.Timeout;

  constructor(path: string, origin: string) {
    this.path = path;
    this.origin = origin;
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  /**
   * Appends what is left to the file that it was, then removes the claim: a crash between the two repeats
   * letters and loses none. Reads to the end of the file, since a writer may have had it open when it was renamed.
   */
  async putBack(target: string): Promise<void> {
    clearInterval(this.#timer);
    // A process that was asleep for long has been taken for dead, and another one has sent the letters.
    if (!existsSync(this.path)) return;
    const out = new Appender(target, this.path);
    try {
      for await (const line of linesOf(this.path)) {
        const outcome = this.outcomes.get(line.number);
        if (outcome === 'accepted' || outcome === 'superseded' || isBlank(line)) continue;
        out.add(outcome === undefined ? line.bytes : withMessage(line, outcome.refused));
      }
      out.finish();
      unlinkSync(this.path);
    } catch (error) {
      const cause = describeError(error);
      throw new Error(
        `could not put back what is left, so it stays in ${this.path}, where the next replay finds it: ${cause}`,
      );
    } finally {
      out.close();
    }
  }

  #beat(): void {
    try {
      utimesSync(this.path, new Date(), new Date());
    } catch {
      // putBack() looks whether the file has gone.
    }
  }
}

/** Claims a file and whatever replays that have died left of it, oldest first. */
export function claimAll(target: string): { claims: Claim[]; others: Other[] } {
  const claims: Claim[] = [];
  const { orphans, others } = claimsOf(target);
  for (const path of [...orphans, target]) {
    const mine = `${target}${SUFFIX}${ownerTag()}-${claims.length}`;
    try {
      // Before the rename, so that the claim is never seen with an old sign of life.
      utimesSync(path, new Date(), new Date());
      renameSync(path, mine);
      claims.push(new Claim(mine, path));
    } catch (error) {
      // There is none, or another replay was faster: only one can rename it.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
  return { claims, others };
}

/** The claims beside a file: those whose owners have died, and those that are in work. */
export function claimsOf(target: string): { orphans: string[]; others: Other[] } {
  const orphans: { path: string; mtimeMs: number }[] = [];
  const others: Other[] = [];
  const directory = dirname(target);
  const prefix = basename(target) + SUFFIX;
  for (const name of readdirSync(directory)) {
    const match = name.startsWith(prefix) ? CLAIM.exec(name.slice(prefix.length)) : null;
    if (match === null) continue;
    const path = join(directory, name);
    const mtimeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (mtimeMs === undefined) continue;
    const owner = parseOwnerTag(match[1] ?? '');
    const state = stateOfOwner(owner);
    const isSilent = Date.now() - mtimeMs > LEASE_MS;
    if (state === 'gone' || (state === 'unknown' && isSilent)) orphans.push({ path, mtimeMs });
    else others.push({ path, pid: owner.pid, isCertain: state === 'alive' });
  }
  orphans.sort((a, b) => a.mtimeMs - b.mtimeMs);
  return { orphans: orphans.map(({ path }) => path), others };
}

const SUFFIX = '.replay-';
const CLAIM = new RegExp(`^(${OWNER_TAG})-\\d+$`);
