import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Client } from '../client/client.ts';
import { PhosphoAnswerError, PhosphoRequestError } from '../errors.ts';
import { isLoopback } from '../internal/loopback.ts';
import { untraced } from '../internal/untraced.ts';
import type { EventResult, Exporter, QueuedEvent, QueuedFlag } from './exporter.ts';
import { StoredEvent } from './stored-event.ts';

export type Compression = 'auto' | 'off' | 'gzip';

/** What phospho says in `error_in_log` when a project has used up its quota. */
const QUOTA = /quota/i;

/** Below this many bytes a body is not worth the work. */
const MIN_COMPRESSED = 1_024;

const compress = promisify(gzip);

/** The exporter behind `new Phospho()`: phospho's own API, or a collector that speaks it. */
export class HttpExporter implements Exporter {
  readonly #client: Client;
  readonly #compression: Compression;
  /** The server has said, as our collector does, that it takes gzip. */
  #isOffered = false;
  #isRefused = false;
  /** Of bodies that have been sent. */
  readonly #spares: ArrayBufferLike[] = [];

  constructor(client: Client, compression: Compression) {
    this.#client = client;
    this.#compression = compression;
  }

  isConfigured(): boolean {
    return this.#client.isConfigured();
  }

  async export(
    batch: readonly QueuedEvent[],
    signal: AbortSignal,
  ): Promise<readonly EventResult[]> {
    const path = `/log/${encodeURIComponent(this.#client.config.projectId())}`;
    const body = bodyOf(batch, this.#spares.pop());
    const answer = await untraced(() => this.#post(path, body, signal));
    // Where it failed, some of it may still be on its way.
    const { buffer } = body;
    const isKept = this.#spares.length < MAX_SPARES && buffer.byteLength <= MAX_SPARE_BYTES;
    if (isKept) this.#spares.push(buffer);
    return readResults(answer, batch.length, path);
  }

  async flag({ taskId, flag, source, notes }: QueuedFlag, signal: AbortSignal): Promise<void> {
    await untraced(() => this.#client.flag(taskId, flag, { source, notes, signal }));
  }

  async shutdown(): Promise<void> {
    await this.#client.close();
  }

  async #post(path: string, plain: Buffer, signal: AbortSignal): Promise<unknown> {
    const request = { method: 'POST', path, signal, onHeaders: this.#onHeaders } as const;
    if (!this.#isCompressing(plain)) {
      return this.#client.http.request({ ...request, body: plain });
    }
    const body = await compress(plain, { level: 1 });
    const headers = { 'content-encoding': 'gzip' };
    try {
      return await this.#client.http.request({ ...request, body, headers });
    } catch (error) {
      if (!(error instanceof PhosphoRequestError) || error.status !== 415) throw error;
      // A proxy that has learned to say no, or another server under the same name.
      this.#isRefused = true;
      return this.#client.http.request({ ...request, body: plain });
    }
  }

  #isCompressing(plain: Buffer): boolean {
    if (this.#isRefused || plain.byteLength < MIN_COMPRESSED || this.#compression === 'off')
      return false;
    if (this.#compression === 'gzip') return true;
    return this.#isOffered && !isLoopback(new URL(this.#client.config.baseUrl()).hostname);
  }

  readonly #onHeaders = (header: (name: string) => string | undefined): void => {
    this.#isOffered = /\bgzip\b/i.test(header('x-phospho-accept-encoding') ?? '');
  };
}

const BEGIN = '{"batched_log_events":[';
const END = ']}';

/** As many as batches are sent at a time. */
const MAX_SPARES = 2;
/** A body of many events fits, a single event may be longer. */
const MAX_SPARE_BYTES = 1_310_720;

/**
 * The events spliced in as they are: each was serialised once, when it was captured. One string of them all would
 * be built, measured and encoded, each time in memory of its own.
 */
function bodyOf(batch: readonly QueuedEvent[], spare: ArrayBufferLike | undefined): Buffer {
  let total = BEGIN.length + batch.length + END.length;
  for (const { bytes } of batch) total += bytes;
  const isRoomy = spare !== undefined && spare.byteLength >= total;
  const body = Buffer.from(isRoomy ? spare : Buffer.allocUnsafeSlow(roundUp(total)).buffer);
  let at = body.write(BEGIN, 'latin1');
  for (const [i, event] of batch.entries()) {
    if (i > 0) at += body.write(',', at, 'latin1');
    at = event instanceof StoredEvent ? event.copyTo(body, at) : at + body.write(event.json, at);
  }
  at += body.write(END, at, 'latin1');
  return body.subarray(0, at);
}

/** So that the next body has room as well. */
function roundUp(bytes: number): number {
  return Math.ceil(bytes / ROOM_BYTES) * ROOM_BYTES;
}

const ROOM_BYTES = 262_144;

/** A 200 is no promise: each event has its own answer, by position. */
function readResults(answer: unknown, length: number, path: string): EventResult[] {
  const logged =
    typeof answer === 'object' && answer !== null && 'logged_events' in answer
      ? answer.logged_events
      : undefined;
  if (!Array.isArray(logged) || logged.length !== length) {
    const came = Array.isArray(logged) ? `${logged.length} entries` : typeof logged;
    throw new PhosphoAnswerError(`expected ${length} entries in logged_events, got ${came}`, {
      method: 'POST',
      path,
      status: 200,
    });
  }
  return logged.map((entry: unknown): EventResult => {
    const said = errorIn(entry);
    if (said !== undefined && said !== null) {
      const message = typeof said === 'string' ? said : JSON.stringify(said);
      return { ok: false, reason: QUOTA.test(message) ? 'quota' : 'refused', message };
    }
    return { ok: true };
  });
}

function errorIn(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'error_in_log' in entry
    ? entry.error_in_log
    : undefined;
}
