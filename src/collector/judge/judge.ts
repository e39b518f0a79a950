import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { GuardedLogger } from '../../internal/logger.ts';
import { isLoopback } from '../../internal/loopback.ts';
import { HttpError } from '../http/http-error.ts';
import { AttemptError, complete, FORMATS, type Format } from './completion.ts';
import { COMPARISON_MS, type ResolvedJudge } from './options.ts';
import { type Message, messagesOf, type Question } from './prompt.ts';
import { failed, type Judgement, judgementOf, short, type Verdict, verdictIn } from './verdict.ts';

/** Comparisons under way, each with its texts. */
const MAX_UNDER_WAY = 200;
const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 8000;

interface UnderWay {
  signal: AbortSignal;
  /** UNIX milliseconds. */
  deadline: number;
}

/** Asks a model which of two answers is better. */
export class Judge {
  readonly #judge: ResolvedJudge;
  readonly #logger: GuardedLogger;
  readonly #slots: PQueue;
  /** What ends each comparison. */
  readonly #underWay = new Set<AbortController>();
  #isClosed = false;
  /** The strictest that the server has not refused. */
  #format: Format = 'json_schema';

  constructor(judge: ResolvedJudge, logger: GuardedLogger) {
    this.#judge = judge;
    this.#logger = logger;
    this.#slots = new PQueue({ concurrency: judge.concurrency });
    const { protocol, hostname } = new URL(judge.baseUrl);
    if (judge.apiKey !== undefined && protocol === 'http:' && !isLoopback(hostname)) {
      logger.say('warn', `the judge's key and all texts travel to ${hostname} unencrypted (http)`);
    }
  }

  /** The model's name: the source of its verdicts. */
  get model(): string {
    return this.#judge.model;
  }

  /**
   * Asks twice, the answers swapped. What fails is an "Error" with its reason.
   *
   * @param gone - ends it: nobody waits for the verdict any more
   * @throws HttpError 503 where too many are under way or the collector closes, 499 where the caller has left
   */
  async compare(question: Question, gone: AbortSignal): Promise<Judgement> {
    if (this.#isClosed || this.#underWay.size >= MAX_UNDER_WAY) {
      throw new HttpError(503, 'Too many comparisons wait for the judge. Compare again later.', {
        'retry-after': '10',
      });
    }
    const over = new AbortController();
    const end = () => over.abort();
    const comparison = { signal: over.signal, deadline: Date.now() + COMPARISON_MS };
    const timer = setTimeout(end, COMPARISON_MS);
    gone.addEventListener('abort', end, { once: true });
    if (gone.aborted) end();
    this.#underWay.add(over);
    try {
      return judgementOf(
        ...(await Promise.all([
          this.#ask(messagesOf(question, false), false, comparison),
          this.#ask(messagesOf(question, true), true, comparison),
        ])),
      );
    } catch (error) {
      if (this.#isClosed) {
        throw new HttpError(503, 'The collector is shutting down. Compare again later.', {
          'retry-after': '5',
        });
      }
      // Nobody reads it: nginx' number for a caller who has left.
      if (gone.aborted) throw new HttpError(499, 'The caller has left.');
      if (!over.signal.aborted) throw error;
      return { result: 'Error', reason: `the judge gave no verdict within ${COMPARISON_MS} ms` };
    } finally {
      clearTimeout(timer);
      gone.removeEventListener('abort', end);
      this.#underWay.delete(over);
    }
  }

  /** Ends what is under way. */
  close(): void {
    this.#isClosed = true;
    for (const over of this.#underWay) over.abort();
  }

  async #ask(
    messages: readonly Message[],
    isSwapped: boolean,
    comparison: UnderWay,
  ): Promise<Verdict> {
    try {
      return verdictIn(await this.#inFormat(messages, comparison), isSwapped);
    } catch (error) {
      if (!(error instanceof AttemptError)) throw error;
      // Its answer may repeat what it was sent, which is for no log.
      const fault =
        error.status === undefined ? error.message : `the judge answered ${error.status}`;
      const message = `a comparison has no verdict: ${fault} (said once for each kind)`;
      this.#logger.once(`judge:${error.status ?? 'network'}`, 'warn', message);
      return failed(short(error.message));
    }
  }

  /** A server that refuses a format is asked again in a looser one; what it then takes is remembered. */
  async #inFormat(messages: readonly Message[], comparison: UnderWay): Promise<unknown> {
    const formats = FORMATS.slice(FORMATS.indexOf(this.#format));
    let refusal: unknown;
    for (const format of formats) {
      try {
        const answer = await this.#retrying(messages, format, comparison);
        this.#format = format;
        return answer;
      } catch (error) {
        const mayBeFormat =
          error instanceof AttemptError && [400, 415, 422, 501].includes(error.status ?? 0);
        if (!mayBeFormat) throw error;
        // A request that is refused in every format is refused for something else: the first one tells.
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async #retrying(
    messages: readonly Message[],
    format: Format,
    { signal, deadline }: UnderWay,
  ): Promise<unknown> {
    for (let retries = 0; ; retries++) {
      try {
        return await this.#slots.add(() => complete(this.#judge, messages, format, signal), {
          signal,
        });
      } catch (error) {
        if (signal.aborted || !(error instanceof AttemptError && error.isPassing)) throw error;
        // 501 says that it will never do this, whatever its first digit.
        if (retries >= this.#judge.retries || error.status === 501) throw error;
        const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** retries, MAX_BACKOFF_MS);
        const wait = error.retryAfterMs ?? Math.random() * backoff;
        // Coming earlier than asked would only add to the server's load.
        if (Date.now() + wait >= deadline) throw error;
        await delay(wait, undefined, { signal });
      }
    }
  }
}
