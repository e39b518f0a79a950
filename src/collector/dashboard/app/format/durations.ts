const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** 850 ms · 1.24 s · 12.4 s · 2 min 3 s · 1 h 5 min */
export function duration(ms: number): string {
  if (ms < 999.5) return `${ms < 10 ? trimmed(ms, 1) : Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const total = Math.round(seconds);
  if (total < 3600) return `${Math.floor(total / 60)} min ${total % 60} s`;
  const minutes = Math.round(total / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** For an axis, exact: 250 ms · 1.5 s · 75 s · 1.5 min · 70 min · 1.5 h */
export function shortDuration(ms: number): string {
  if (ms >= HOUR && isHalf(ms / HOUR)) return `${ms / HOUR} h`;
  if (ms >= MINUTE && isHalf(ms / MINUTE)) return `${ms / MINUTE} min`;
  return ms < 1000 ? `${trimmed(ms, 3)} ms` : `${trimmed(ms / 1000, 3)} s`;
}

function isHalf(value: number): boolean {
  return Number.isInteger(value * 2);
}

export function optionalDuration(ms: number | null): string {
  return ms === null ? '–' : duration(ms);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
