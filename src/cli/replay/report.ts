import { basename } from 'node:path';
import type { Claim, Other } from './claim.ts';
import type { Survey } from './survey.ts';

/** Groups, and lines that cannot be read, that are told one by one. */
const TOLD = 10;
const MAX_MESSAGE = 160;

/** What there is, for `--dry-run`. */
export function describeSurvey(found: Survey): string[] {
  const lines = found.groups
    .slice(0, TOLD)
    .map(({ count, kind, reason, message }) => `${count} ${kind} ${reason}: ${printable(message)}`);
  const others = found.groups.length - lines.length;
  if (others > 0) lines.push(`… and ${others} other message(s)`);
  if (found.oldest !== undefined) {
    lines.push(`oldest ${printable(found.oldest)}, newest ${printable(found.newest ?? '')}`);
  }
  return lines;
}

/** Where the lines are that hold no letter; they stay in the file. */
export function describeUnreadable({ unreadable }: Survey, paths: readonly string[]): string[] {
  const lines = unreadable
    .slice(0, TOLD)
    .map(({ file, line, problem }) => `line ${line} of ${basename(paths[file] ?? '')} ${problem}`);
  const others = unreadable.length - lines.length;
  if (others > 0) lines.push(`… and ${others} other line(s) that cannot be read`);
  return lines;
}

export function describeOther({ path, pid, isCertain }: Other): string {
  const what = `process ${pid} is replaying ${path}`;
  return isCertain
    ? `${what}: its letters are left to it`
    : `${what} on another machine or in another container: unless it gives a sign of life, it is taken over 10 minutes after the last one`;
}

/** How many letters came to what. */
export function tally(claims: readonly Claim[]): {
  accepted: number;
  superseded: number;
  refused: number;
} {
  const counts = { accepted: 0, superseded: 0, refused: 0 };
  for (const { outcomes } of claims) {
    for (const outcome of outcomes.values()) {
      if (typeof outcome === 'object') counts.refused += 1;
      else counts[outcome] += 1;
    }
  }
  return counts;
}

/** The server's words on a terminal: one line, and no control sequences. */
export function printable(text: string): string {
  const line = text.slice(0, MAX_MESSAGE * 2).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ');
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE - 1)}…` : line;
}
