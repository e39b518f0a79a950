import { randomFillSync } from 'node:crypto';

const pool = new Uint8Array(16 * 256);
let offset = pool.length;
let lastMs = 0;
let sequence = 0;

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/**
 * A UUID of version 7 (RFC 9562, section 5.7), monotonic within the process: the 12 bits of `rand_a`
 * count within one millisecond (method 1 of section 6.2), the other 62 are random and cannot be guessed.
 */
export function uuidv7(now: number = Date.now()): string {
  if (offset === pool.length) {
    randomFillSync(pool);
    offset = 0;
  }
  const random = pool.subarray(offset, offset + 16);
  offset += 16;
  if (now > lastMs) {
    lastMs = now;
    // Half of the range stays free, so that a busy millisecond does not overflow into the next.
    sequence = ((byteAt(random, 6) << 8) | byteAt(random, 7)) & 0x7ff;
  } else if (++sequence > 0xfff) {
    lastMs += 1;
    sequence = 0;
  }
  const ms = lastMs.toString(16).padStart(12, '0');
  const counter = (0x7000 | sequence).toString(16);
  const variant = hex[(byteAt(random, 8) & 0x3f) | 0x80];
  let tail = '';
  for (let i = 10; i < 16; i++) tail += hex[byteAt(random, i)];
  return `${ms.slice(0, 8)}-${ms.slice(8)}-${counter}-${variant}${hex[byteAt(random, 9)]}-${tail}`;
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}

/** A new task id: `task_` and a UUID v7, so that ids sort by time. */
export function newTaskId(): string {
  return `task_${uuidv7()}`;
}

/** A new session id: `session_` and a UUID v7. */
export function newSessionId(): string {
  return `session_${uuidv7()}`;
}
