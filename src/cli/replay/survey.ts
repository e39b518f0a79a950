import { isBlank } from '../lines.ts';
import { type Letter, linesOf, readLetter } from './letters.ts';

/** What is in files of dead letters. */
export interface Survey {
  events: number;
  flags: number;
  /** Of each file: what is appended later is not part of it. */
  lines: number[];
  /** Lines that hold no letter, with the file's place in the list. */
  unreadable: { file: number; line: number; problem: string }[];
  /** How many died for the same reason, most first. */
  groups: { count: number; kind: string; reason: string; message: string }[];
  /** ISO 8601; undefined: no letter says when. */
  oldest: string | undefined;
  newest: string | undefined;
  /** The flag of each task that was given last: it replaces those before it. */
  lastFlags: Map<string, { file: number; line: number; at: string }>;
}

/** Reads files once, line by line. */
export async function survey(paths: readonly string[]): Promise<Survey> {
  const groups = new Map<string, Survey['groups'][number]>();
  const found: Survey = {
    events: 0,
    flags: 0,
    lines: [],
    unreadable: [],
    groups: [],
    oldest: undefined,
    newest: undefined,
    lastFlags: new Map(),
  };
  for (const [file, path] of paths.entries()) {
    for await (const line of linesOf(path)) {
      found.lines[file] = line.number;
      if (isBlank(line)) continue;
      const letter = readLetter(line);
      if ('problem' in letter) {
        found.unreadable.push({ file, line: line.number, problem: letter.problem });
        continue;
      }
      count(found, groups, letter);
      if (letter.kind === 'flag') noteFlag(found, letter, file, line.number);
    }
  }
  found.groups = [...groups.values()].sort((a, b) => b.count - a.count);
  return found;
}

function count(found: Survey, groups: Map<string, Survey['groups'][number]>, letter: Letter): void {
  const { kind, reason, message, at } = letter;
  if (kind === 'event') found.events += 1;
  else found.flags += 1;
  const key = JSON.stringify([kind, reason, message]);
  const group = groups.get(key) ?? { count: 0, kind, reason, message };
  group.count += 1;
  groups.set(key, group);
  if (at === '') return;
  if (found.oldest === undefined || at < found.oldest) found.oldest = at;
  if (found.newest === undefined || at > found.newest) found.newest = at;
}

function noteFlag(found: Survey, { taskId, at }: Letter, file: number, line: number): void {
  const last = found.lastFlags.get(taskId);
  if (last === undefined || at >= last.at) found.lastFlags.set(taskId, { file, line, at });
}
