/** Milliseconds to three digits: what is below is noise. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
