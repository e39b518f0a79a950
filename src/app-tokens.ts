import { PhosphoArgumentError } from './errors.ts';
import { bindingOf } from './express/binding.ts';
import type { FeedbackOptions } from './express/feedback-options.ts';
import type { AppRequest } from './express/types.ts';
import { DEFAULT_TOKEN_LIFE_MS, FeedbackTokens, MIN_SECRET_LENGTH } from './feedback/token.ts';
import { describeError } from './internal/hooks.ts';
import type { GuardedLogger } from './internal/logger.ts';

/** Options of `feedbackToken`. */
export interface TokenOptions {
  /** Milliseconds from now; 1000 to a year. Default: 24 hours. */
  expiresInMs?: number;
  /** What the option `feedback.bind` will answer for the user who flags. Default: nobody. */
  bind?: string | undefined;
}

export interface AppTokensParts {
  logger: GuardedLogger;
  /** Those that were given; without any, one is made of the key. */
  secrets: readonly string[];
  bind: FeedbackOptions['bind'];
  findApiKey(): string | undefined;
}

const MAX_LIFE_MS = 366 * 86_400_000;

/** The tokens of a Phospho: what they are signed with, and whom they are tied to. */
export class AppTokens {
  readonly #parts: AppTokensParts;
  #signer: FeedbackTokens | undefined;

  constructor(parts: AppTokensParts) {
    this.#parts = parts;
  }

  /** Worked out with the first token: a key that appears after start-up still counts. */
  signer(): FeedbackTokens {
    this.#signer ??= new FeedbackTokens(this.#secrets());
    return this.#signer;
  }

  /** Of an answer, for whoever asked for it; empty where it cannot be told who that is. */
  forAnswer(taskId: string, req: AppRequest | undefined): string {
    const { bind: bindTo, logger } = this.#parts;
    if (bindTo && req === undefined) return '';
    try {
      const bind = req && bindingOf(bindTo, req);
      return this.signer().sign(taskId, { bind });
    } catch (error) {
      const message = `feedback.bind failed, so there is no token: ${describeError(error)}`;
      logger.once('bind', 'error', message);
      return '';
    }
  }

  /** See `Phospho.feedbackToken`. */
  forPage(taskId: string, options: TokenOptions): string {
    const { expiresInMs = DEFAULT_TOKEN_LIFE_MS, bind } = options;
    checkTaskId(taskId);
    // UTF-8 has no such characters: the token would be for another id.
    if (/\p{Surrogate}/u.test(taskId)) {
      throw new PhosphoArgumentError('taskId must be well-formed Unicode, got a lone surrogate');
    }
    if (bind !== undefined && typeof bind !== 'string') {
      throw new PhosphoArgumentError(`bind must be a string, got ${typeof bind}`);
    }
    if (bind !== undefined && this.#parts.bind === undefined) {
      throw new PhosphoArgumentError(
        'bind is for the option feedback.bind, which is not set: nobody could use such a token',
      );
    }
    if (!(expiresInMs >= 1_000 && expiresInMs <= MAX_LIFE_MS)) {
      throw new PhosphoArgumentError(
        `expiresInMs must be from 1000 to ${MAX_LIFE_MS} milliseconds, got ${String(expiresInMs)}`,
      );
    }
    return this.signer().sign(taskId, { expiresInMs, bind });
  }

  #secrets(): readonly string[] {
    const { secrets, logger, findApiKey } = this.#parts;
    if (secrets.length > 0) return secrets;
    const key = findApiKey();
    if (key !== undefined && key.length >= MIN_SECRET_LENGTH) return [key];
    logger.once(
      'secret',
      'warn',
      `PHOSPHO_FEEDBACK_SECRET is not set and the API key has fewer than ${MIN_SECRET_LENGTH} characters, so feedback tokens are signed with a random secret: they end with this process, and no other replica takes them. Set PHOSPHO_FEEDBACK_SECRET to at least ${MIN_SECRET_LENGTH} characters`,
    );
    return [FeedbackTokens.randomSecret()];
  }
}

export function checkTaskId(taskId: unknown): void {
  if (typeof taskId === 'string' && taskId !== '') return;
  throw new PhosphoArgumentError(
    `taskId must be a non-empty string, got ${JSON.stringify(taskId)}`,
  );
}
