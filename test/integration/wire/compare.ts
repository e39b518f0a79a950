import { ENDS, type Step } from './programs.ts';
import type { Seen } from './run.ts';

const TOKEN_LINES = /^X-Phospho-(Task-Id: task_[0-9a-f-]{36}|Feedback-Token: v1\.\S+)\r\n/gim;
const EXPOSED = 'X-Phospho-Task-Id, X-Phospho-Feedback-Token';

/** What was sent, without what we may add; the one header that we may extend goes last. */
export function withoutOurs(wire: string): { rest: string; exposed: string[]; ours: number } {
  const end = wire.lastIndexOf('HTTP/1.1 ');
  const headEnd = wire.indexOf('\r\n\r\n', end);
  const head = wire.slice(0, headEnd + 2);
  const ours = head.match(TOKEN_LINES)?.length ?? 0;
  const exposed = [...head.matchAll(/^Access-Control-Expose-Headers: (.*)\r\n/gim)]
    .flatMap(([, value]) => (value ?? '').split(EXPOSED))
    .flatMap((value) => value.split(', ').filter((name) => name !== ''));
  const rest = head.replace(TOKEN_LINES, '').replace(/^Access-Control-Expose.*\r\n/gim, '');
  return { rest: rest + wire.slice(headEnd + 2), exposed, ours };
}

const CUTS = ['destroy', 'throw', 'earlyHints', 'leave', 'trailers'];

/** Without the steps after the end that go past `write` and `end` to the socket: what is held comes after them. */
export function mildly(program: readonly Step[], isHttp2: boolean): Step[] {
  const ended = program.findIndex((step) => ENDS.includes(step.do));
  // A write after the end resets a stream of HTTP/2.
  if (isHttp2 && ended >= 0) return program.slice(0, ended + 1);
  return program.filter((step, at) => ended < 0 || at < ended || !CUTS.includes(step.do));
}

/**
 * What came of it, in any order: while an end is held the socket has time to drain. What comes of a step after
 * the end depends on how soon it comes.
 */
export function outcomeOf({ wire, returned, later }: Seen, program: readonly Step[]): Seen {
  const ended = program.findIndex((step) => ENDS.includes(step.do));
  const kept = later.filter(
    (event) =>
      !/^(drain|error) /.test(event) && (ended < 0 || !(Number.parseInt(event, 10) > ended)),
  );
  return { wire, returned, later: kept.sort() };
}
