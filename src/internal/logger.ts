/** Where the package's own messages go. `console`, pino and winston all fit. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** From the quietest: nothing, errors, warnings (the default), news, everything. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

export const LOG_LEVELS: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug'];

/**
 * Puts a level in front of a logger, and a fence around it: a logger that throws changes nothing for us.
 * `once` says a message a single time per key, since a fault of ours tends to repeat with every request.
 */
export class GuardedLogger {
  readonly #logger: Logger;
  readonly #rank: number;
  readonly #said = new Set<string>();

  constructor(logger: Logger, level: LogLevel) {
    this.#logger = logger;
    this.#rank = LOG_LEVELS.indexOf(level);
  }

  say(level: Exclude<LogLevel, 'silent'>, message: string): void {
    if (LOG_LEVELS.indexOf(level) > this.#rank) return;
    try {
      const said: unknown = this.#logger[level](`phospho-express: ${message}`);
      // One that writes asynchronously may reject.
      if (said !== undefined) Promise.resolve(said).catch(() => {});
    } catch {
      // A logger that fails has no logger to tell.
    }
  }

  once(key: string, level: Exclude<LogLevel, 'silent'>, message: string): void {
    if (this.#said.has(key)) return;
    // The keys are ours and few; the bound is for the case that one of them ever holds a user's text.
    if (this.#said.size < 1000) this.#said.add(key);
    this.say(level, message);
  }

  /** Lets a message of that key be said again, once its cause has gone. */
  forget(key: string): void {
    this.#said.delete(key);
  }
}
