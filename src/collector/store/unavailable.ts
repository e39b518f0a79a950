/** The database cannot be asked now. The request is fine, and worth sending again. */
export class DatabaseUnavailable extends Error {
  /** The database's or Node's own code for it. */
  readonly code: string | undefined;

  constructor(message: string, { code, cause }: { code?: string | undefined; cause?: unknown }) {
    super(message, { cause });
    this.name = 'DatabaseUnavailable';
    this.code = code;
  }
}

/** SQLite's words for a file that another process has locked, and for a full or failing disk. */
const PASSING = /\b(?:database is locked|database is busy|disk is full|disk I\/O error)\b/i;

/** What a database that cannot take a request now has said; undefined for any other error. */
export function unavailability(error: unknown): string | undefined {
  if (error instanceof DatabaseUnavailable) return error.message;
  return error instanceof Error && PASSING.test(error.message) ? error.message : undefined;
}
