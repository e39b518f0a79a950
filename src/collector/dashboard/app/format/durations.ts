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

/** For an axis: no more digits than its steps need. */
export function shortDuration(ms: number): string {
  if (ms < 1000) return `${trimmed(ms, 0)} ms`;
  if (ms < 60_000) return `${trimmed(ms / 1000, 2)} s`;
  return `${trimmed(ms / 60_000, 1)} min`;
}

export function optionalDuration(ms: number | null): string {
  return ms === null ? '–' : duration(ms);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
