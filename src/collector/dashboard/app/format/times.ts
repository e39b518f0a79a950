const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'narrow' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });
const medium = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/** What a Date can hold; a sender's clock may say anything. */
const MAX_SECONDS = 8.64e12;

export function ago(seconds: number, now: number): string {
  const past = now - seconds;
  if (past >= 7 * DAY || past < -DAY) return dateOf(seconds, now);
  if (past >= DAY) return relative.format(-Math.floor(past / DAY), 'day');
  if (past >= HOUR) return relative.format(-Math.floor(past / HOUR), 'hour');
  if (past >= MINUTE) return relative.format(-Math.floor(past / MINUTE), 'minute');
  return past >= 10 ? relative.format(-Math.floor(past), 'second') : 'just now';
}

export function fullTime(seconds: number): string {
  return safely(full, seconds);
}

export function mediumTime(seconds: number): string {
  return safely(medium, seconds);
}

export function clockTime(seconds: number): string {
  return safely(clock, seconds);
}

export function dayTime(seconds: number): string {
  return safely(day, seconds);
}

export function isoTime(seconds: number): string | undefined {
  return Math.abs(seconds) < MAX_SECONDS ? new Date(seconds * 1000).toISOString() : undefined;
}

/** A column of a chart: `12 Mar`, or `12 Mar, 14:00 – 15:00`. */
export function span(from: number, to: number): string {
  // A day on which the clocks change has 23 hours.
  if (to - from > DAY / 2) return dayTime(from);
  return `${dayTime(from)}, ${clockTime(from)} – ${clockTime(to)}`;
}

/** What an input of type datetime-local holds: the reader's own time. */
export function toLocalInput(seconds: number): string {
  const date = new Date(seconds * 1000);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

export function fromLocalInput(text: string): number | undefined {
  const seconds = Math.floor(new Date(text).getTime() / 1000);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

function dateOf(seconds: number, now: number): string {
  const sameYear = new Date(seconds * 1000).getFullYear() === new Date(now * 1000).getFullYear();
  return safely(sameYear ? day : dayOfYear, seconds);
}

function safely(format: Intl.DateTimeFormat, seconds: number): string {
  return Math.abs(seconds) < MAX_SECONDS ? format.format(seconds * 1000) : String(seconds);
}
