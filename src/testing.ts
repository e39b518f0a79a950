import type { EventResult, Exporter, QueuedEvent, QueuedFlag } from './delivery/exporter.ts';
import type { LogEvent } from './types.ts';

/**
 * Keeps what it is given, for tests: `new Phospho({ exporter: new InMemoryExporter() })` needs no key, no
 * server and no network. Call `await phospho.flush()` before looking.
 */
export class InMemoryExporter implements Exporter {
  readonly batches: LogEvent[][] = [];
  readonly flags: QueuedFlag[] = [];

  /** All events, in the order of their arrival. */
  get events(): LogEvent[] {
    return this.batches.flat();
  }

  async export(batch: readonly QueuedEvent[]): Promise<EventResult[]> {
    this.batches.push(batch.map(({ json }) => JSON.parse(json) as LogEvent));
    return batch.map(() => ({ ok: true }));
  }

  async flag(flag: QueuedFlag): Promise<void> {
    this.flags.push(flag);
  }

  /** Forgets what came so far. */
  reset(): void {
    this.batches.length = 0;
    this.flags.length = 0;
  }
}

export { isBalanced } from './delivery/ledger.ts';
