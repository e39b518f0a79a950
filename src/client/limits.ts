/** Milliseconds until a call is given up. */
export const TIMEOUTS: { connect: number; attempt: number; flag: number; compare: number } = {
  connect: 3_000,
  attempt: 10_000,
  /** The server may hold a flag for 31 s while it waits for the task. */
  flag: 40_000,
  /** A judge model has to read two answers first. */
  compare: 120_000,
};

/** Sockets to one origin, by pool. */
export const CONNECTIONS: { default: number; flags: number; evals: number } = {
  default: 4,
  flags: 2,
  evals: 4,
};

/** Bytes of an answer that are read: a listing of a thousand long tasks fits. */
export const MAX_ANSWER_BYTES: number = 64 * 1024 * 1024;

/** Bytes of an error's body that are read. */
export const MAX_ERROR_BYTES: number = 64 * 1024;

/** Characters of the server's words that an error message repeats. */
export const MAX_DETAIL_CHARS: number = 500;

/** The longest delay that Node's timers know, milliseconds. A longer one would fire at once. */
export const MAX_TIMER_MS: number = 2_147_483_647;
