import type { Client } from '../client/client.ts';
import { PhosphoAnswerError } from '../errors.ts';
import type { EventResult, Exporter, QueuedEvent, QueuedFlag } from './exporter.ts';

/** What phospho says in `error_in_log` when a project has used up its quota. */
const QUOTA = /quota/i;

/** The exporter behind `new Phospho()`: phospho's own API, or a collector that speaks it. */
export class HttpExporter implements Exporter {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  isConfigured(): boolean {
    return this.#client.isConfigured();
  }

  async export(
    batch: readonly QueuedEvent[],
    signal: AbortSignal,
  ): Promise<readonly EventResult[]> {
    const path = `/log/${encodeURIComponent(this.#client.config.projectId())}`;
    // The events are spliced in as they are: each was serialised once, when it was captured.
    let body = '{"batched_log_events":[';
    for (let i = 0; i < batch.length; i++) body += (i === 0 ? '' : ',') + batch[i]?.json;
    body += ']}';
    const answer = await this.#client.http.request({ method: 'POST', path, body, signal });
    return readResults(answer, batch.length, path);
  }

  async flag({ taskId, flag, source, notes }: QueuedFlag, signal: AbortSignal): Promise<void> {
    await this.#client.flag(taskId, flag, { source, notes, signal });
  }

  async shutdown(): Promise<void> {
    await this.#client.close();
  }
}

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
    if (typeof entry === 'object' && entry !== null && 'error_in_log' in entry) {
      const said = entry.error_in_log;
      const message = typeof said === 'string' ? said : JSON.stringify(said);
      return { ok: false, reason: QUOTA.test(message) ? 'quota' : 'refused', message };
    }
    return { ok: true };
  });
}
