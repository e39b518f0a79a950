import { DatabaseUnavailable } from '../unavailable.ts';

/**
 * SQLSTATEs of a server that is away, going, full, or too busy, and of one that has lost our user or database
 * since we started. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const PASSING = /^(?:08|28|3D|40|53|57|58|25006|25P03|55P03)/;
/** Node's codes for a network that fails. */
const NETWORK = /^(?:E[A-Z]+|EAI_AGAIN|ERR_(?:SSL|TLS).*)$/;
/** What pg itself says, without a code. */
const OF_PG =
  /^(?:Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client (?:has encountered a connection error|was closed)|Cannot use a pool after)/;

/** The same error, or a DatabaseUnavailable where the same request may well pass later. */
export function ofPostgres(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code } = error as Error & { code?: unknown };
  if (typeof code === 'string') {
    if (!PASSING.test(code) && !NETWORK.test(code)) return error;
    // "password authentication failed for user …"
    const reason = code.startsWith('28') ? 'it does not let us in' : error.message || code;
    return new DatabaseUnavailable(`${reason} (${code})`, { code, cause: error });
  }
  return OF_PG.test(error.message)
    ? new DatabaseUnavailable(error.message, { cause: error })
    : error;
}

/** Of a connection that could not be had, for whatever reason: it was there when we started. */
export function unreachable(error: unknown): unknown {
  const known = ofPostgres(error);
  if (known instanceof DatabaseUnavailable || !(error instanceof Error)) return known;
  return new DatabaseUnavailable(error.message, { cause: error });
}

/** After these the connection is not to be used again, whatever pg thinks of it. */
export function endsConnection(error: unknown): boolean {
  if (!(error instanceof DatabaseUnavailable)) return false;
  return error.code === undefined || !/^(?:40|53|55P03|57014|25006)/.test(error.code);
}

/** Transactions that the database has given up for the sake of another: serialization_failure, deadlock_detected. */
export function isConflict(error: unknown): boolean {
  return error instanceof DatabaseUnavailable && /^40(?:001|P01)$/.test(error.code ?? '');
}
