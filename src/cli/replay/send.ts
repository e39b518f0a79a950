import { setTimeout as delay } from 'node:timers/promises';
import type { EventResult, Exporter, QueuedEvent } from '../../delivery/exporter.ts';
import { backoffMs, judge } from '../../delivery/retry.ts';
import { PhosphoRequestError } from '../../errors.ts';
import { describeError } from '../../internal/hooks.ts';
import { isBlank } from '../lines.ts';
import type { Claim, Outcome } from './claim.ts';
import { type Letter, linesOf, readLetter } from './letters.ts';
import type { Survey } from './survey.ts';

const MAX_BATCH_EVENTS = 100;
const MAX_BATCH_BYTES = 1024 * 1024;
/** As many as the client has sockets for. The server may hold a flag for 31 s while it waits for its task. */
const FLAGS_AT_ONCE = 2;
/** A request that failed so often in a row is not tried again: the server is down. Some 3 s of waiting. */
const MAX_ATTEMPTS = 4;

/** Nothing more is sent, and what has no outcome stays as it is. */
class Stopped extends Error {}

interface Place {
  claim: Claim;
  file: number;
  line: number;
}

type Waiting = { place: Place; event: QueuedEvent };

/**
 * Sends the letters of claimed files, events first, and notes what became of each. Not delivery's pipeline:
 * that takes a few refusals in a row for an outage and slows down, and these have all been refused before.
 */
export class Replay {
  readonly #claims: readonly Claim[];
  readonly #survey: Survey;
  readonly #exporter: Exporter;
  readonly #signal: AbortSignal;
  readonly #onDone: (count: number) => void;
  readonly #refusedTasks = new Set<string>();

  constructor(
    claims: readonly Claim[],
    survey: Survey,
    exporter: Exporter,
    signal: AbortSignal,
    onDone: (count: number) => void,
  ) {
    this.#claims = claims;
    this.#survey = survey;
    this.#exporter = exporter;
    this.#signal = signal;
    this.#onDone = onDone;
  }

  /** @returns why not all could be sent; undefined: each was answered. */
  async run(): Promise<string | undefined> {
    try {
      await this.#sendEvents();
      await this.#sendFlags();
      return undefined;
    } catch (error) {
      if (error instanceof Stopped) return error.message;
      throw error;
    }
  }

  async #sendEvents(): Promise<void> {
    let batch: Waiting[] = [];
    let bytes = 0;
    const ids = new Set<string>();
    for await (const { letter, place } of this.#letters()) {
      if (letter.kind !== 'event') continue;
      const { taskId, json } = letter;
      const size = Buffer.byteLength(json);
      const isFull = batch.length >= MAX_BATCH_EVENTS || bytes + size > MAX_BATCH_BYTES;
      // An id that is twice in one batch would be stored twice: the server only knows those of earlier ones.
      if (batch.length > 0 && (isFull || ids.has(taskId))) {
        await this.#sendBatch(batch);
        batch = [];
        bytes = 0;
        ids.clear();
      }
      batch.push({ place, event: { taskId, json, bytes: size, settledAt: 0, epoch: 0 } });
      bytes += size;
      ids.add(taskId);
    }
    if (batch.length > 0) await this.#sendBatch(batch);
  }

  /** A batch that is refused is halved until the bad event is alone. */
  async #sendBatch(batch: readonly Waiting[]): Promise<void> {
    const events = batch.map(({ event }) => event);
    let results: readonly EventResult[];
    try {
      results = await this.#persist(() => this.#exporter.export(events, this.#signal));
    } catch (error) {
      if (error instanceof Stopped) throw error;
      const [only] = batch;
      if (batch.length === 1 && only) {
        this.#refused(only, describeError(error));
        this.#onDone(1);
        return;
      }
      const half = batch.length >> 1;
      await this.#sendBatch(batch.slice(0, half));
      await this.#sendBatch(batch.slice(half));
      return;
    }
    let quota: string | undefined;
    for (const [index, waiting] of batch.entries()) {
      const result = results[index];
      if (result?.ok !== false) settle(waiting.place, 'accepted');
      else if (result.reason === 'quota') quota = result.message;
      else this.#refused(waiting, result.message);
    }
    this.#onDone(batch.length);
    if (quota !== undefined) throw new Stopped(quota);
  }

  #refused({ place, event }: Waiting, message: string): void {
    this.#refusedTasks.add(event.taskId);
    settle(place, { refused: message });
  }

  async #sendFlags(): Promise<void> {
    const letters = this.#letters();
    const work = async (): Promise<void> => {
      for (let next = await letters.next(); !next.done; next = await letters.next()) {
        const { letter, place } = next.value;
        if (letter.kind !== 'flag') continue;
        await this.#sendFlag(letter, place);
        this.#onDone(1);
      }
    };
    const workers = await Promise.allSettled(Array.from({ length: FLAGS_AT_ONCE }, work));
    await letters.return(undefined);
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  }

  async #sendFlag({ flag }: Letter & { kind: 'flag' }, place: Place): Promise<void> {
    const last = this.#survey.lastFlags.get(flag.taskId);
    if (last?.file !== place.file || last?.line !== place.line) {
      settle(place, 'superseded');
      return;
    }
    // The server would wait for its task for half a minute, in vain.
    if (this.#refusedTasks.has(flag.taskId)) return;
    try {
      await this.#persist(() => this.#exporter.flag(flag, this.#signal));
      settle(place, 'accepted');
    } catch (error) {
      if (error instanceof Stopped) throw error;
      settle(place, { refused: describeError(error) });
    }
  }

  async *#letters(): AsyncGenerator<{ letter: Letter; place: Place }> {
    for (const [file, claim] of this.#claims.entries()) {
      for await (const line of linesOf(claim.path)) {
        // What a writer that was late has added is for the next replay.
        if (line.number > (this.#survey.lines[file] ?? 0)) break;
        if (isBlank(line)) continue;
        const letter = readLetter(line);
        if (!('problem' in letter)) yield { letter, place: { claim, file, line: line.number } };
      }
    }
  }

  /** Tries until there is an answer. Throws Stopped where none comes, else the error that refuses. */
  async #persist<T>(call: () => Promise<T>): Promise<T> {
    for (let failures = 1; ; failures++) {
      if (this.#signal.aborted) throw new Stopped('interrupted');
      try {
        return await call();
      } catch (error) {
        if (this.#signal.aborted) throw new Stopped('interrupted');
        const verdict = verdictOf(error);
        if (verdict === 'refuse') throw error;
        if (verdict === 'hold' || failures === MAX_ATTEMPTS)
          throw new Stopped(describeError(error));
        await delay(backoffMs(error, failures), undefined, { signal: this.#signal }).catch(
          () => {},
        );
      }
    }
  }
}

function settle({ claim, line }: Place, outcome: Outcome): void {
  claim.outcomes.set(line, outcome);
}

/** For a flag, 404 says that the task is unknown; for a batch, that the project or the base URL is. */
function verdictOf(error: unknown): ReturnType<typeof judge> {
  const isUnknownTask =
    error instanceof PhosphoRequestError && error.status === 404 && error.path.endsWith('/flag');
  return isUnknownTask ? 'refuse' : judge(error);
}
