import { join } from 'node:path';
import { ownerIn, SpoolDirectory } from './directory.ts';
import { hasCode, type SpoolFiles } from './files.ts';
import { parseOwnerTag, stateOfOwner } from './owner.ts';

/** So long without a sign of life, and an owner that cannot be asked is taken for dead, milliseconds. */
export const LEASE_MS = 60_000;

/** One that has been silent so long when it is first seen is not watched any further, milliseconds. */
const LONG_SILENCE_MS = 600_000;

/** A directory taken over, and whether its owner is known to have ended. */
export interface Adopted {
  readonly directory: SpoolDirectory;
  readonly isCertain: boolean;
}

/**
 * Finds directories whose owner has ended. A process of the same machine and container can be asked for; one
 * of another is watched: the sign of life must not change for as long as the lease lasts, by the clock of
 * the one who watches. Two clocks are never compared, save where the silence is a matter of minutes.
 */
export class OrphanWatch {
  readonly #files: SpoolFiles;
  readonly #base: string;
  readonly #seen = new Map<string, { mtimeMs: number; since: number }>();

  constructor(files: SpoolFiles, base: string) {
    this.#files = files;
    this.#base = base;
  }

  /** Takes over the oldest directory that nobody owns; undefined: there is none. */
  adoptOne(own: ReadonlySet<string>): Adopted | undefined {
    const names = this.#names();
    for (const name of this.#seen.keys()) if (!names.includes(name)) this.#seen.delete(name);
    for (const name of names) {
      if (own.has(join(this.#base, name))) continue;
      const tag = ownerIn(name);
      if (tag === undefined) continue;
      const verdict = this.#verdict(name, tag);
      if (verdict === 'owned') continue;
      this.#seen.delete(name);
      const directory = SpoolDirectory.claim(this.#files, this.#base, name);
      if (directory) return { directory, isCertain: verdict === 'ownerless' };
    }
    return undefined;
  }

  #names(): string[] {
    try {
      return this.#files.readdirSync(this.#base).sort();
    } catch (error) {
      // Where there is no directory, whoever wants to write tells of it.
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
      throw error;
    }
  }

  #verdict(name: string, tag: string | null): 'ownerless' | 'silent' | 'owned' {
    let stats: ReturnType<SpoolFiles['lstatSync']>;
    try {
      stats = this.#files.lstatSync(join(this.#base, name));
    } catch {
      return 'owned';
    }
    const me = process.getuid?.();
    // Whoever else may write to the base could have planted it.
    if (stats === undefined || (me !== undefined && stats.uid !== me)) return 'owned';
    const state = tag === null ? 'gone' : stateOfOwner(parseOwnerTag(tag));
    if (state === 'gone') return 'ownerless';
    return this.#isSilent(name, Number(stats.mtimeMs), state === 'unknown') ? 'silent' : 'owned';
  }

  #isSilent(name: string, mtimeMs: number, mayBeLongAgo: boolean): boolean {
    const seen = this.#seen.get(name);
    const now = performance.now();
    if (seen?.mtimeMs === mtimeMs) return now - seen.since >= LEASE_MS;
    this.#seen.set(name, { mtimeMs, since: now });
    return mayBeLongAgo && seen === undefined && Date.now() - mtimeMs >= LONG_SILENCE_MS;
  }
}
