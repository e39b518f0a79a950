/** The longest timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The milliseconds that a `Retry-After` header asks for: seconds, or an HTTP date seen from `now` (UNIX
 * milliseconds). Undefined where it is neither; at most 2^31 - 1, the longest timer.
 */
export function retryAfterMs(
  header: string | undefined,
  now: number = Date.now(),
): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), MAX_TIMER_MS);
  // Date.parse alone takes "-5" or "soon 7" for a date; the obsolete asctime form has no zone and means GMT.
  if (!/^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d\d:\d\d:\d\d/i.test(text)) return undefined;
  const date = Date.parse(/gmt$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, date - now), MAX_TIMER_MS);
}
