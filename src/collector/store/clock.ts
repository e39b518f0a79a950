let last = 0;

/**
 * Microseconds since 1970, never twice the same in a process: orders what arrives within one second.
 *
 * @param after - what it must be later than, whatever the clock says
 */
export function receivedNow(after = 0): number {
  last = Math.max(last + 1, after + 1, Date.now() * 1000);
  return last;
}

/** UNIX seconds, as the API speaks. */
export function unixNow(): number {
  return Math.floor(Date.now() / 1000);
}
