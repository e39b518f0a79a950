import { type LogEvent, Phospho, type PhosphoOptions, type Step } from 'phospho-express';
import { InMemoryExporter, isBalanced } from 'phospho-express/testing';
import { afterEach, expect } from 'vitest';

/** A Phospho in memory, and what it has recorded. */
export interface Recording {
  readonly phospho: Phospho;
  /** What was said to the log. */
  readonly said: string[];
  events(): Promise<LogEvent[]>;
  /** The one event that is expected. */
  event(): Promise<LogEvent>;
  reset(): void;
}

const open: Phospho[] = [];

/** Shut down and checked for balance after the test. */
export function record(options: PhosphoOptions = {}): Recording {
  const exporter = new InMemoryExporter();
  const said: string[] = [];
  const say = (message: string): void => {
    said.push(message);
  };
  const logger = { debug: say, info: say, warn: say, error: say };
  const phospho = new Phospho({ exporter, logger, ...options });
  open.push(phospho);
  const events = async (): Promise<LogEvent[]> => {
    const ledger = await phospho.flush();
    expect(isBalanced(ledger)).toBe(true);
    expect(ledger.events.delivered).toBe(ledger.events.captured);
    return exporter.events;
  };
  return {
    phospho,
    said,
    events,
    event: async () => {
      const all = await events();
      expect(all).toHaveLength(1);
      return all[0]!;
    },
    reset: () => exporter.reset(),
  };
}

afterEach(async () => {
  for (const phospho of open.splice(0)) {
    expect(isBalanced(await phospho.shutdown())).toBe(true);
  }
});

/** A task's or step's steps as names in brackets: `a(b c(d))`. */
export function outline({ steps = [] }: { steps?: Step[] }): string {
  return steps
    .map((step) => (step.steps?.length ? `${step.name}(${outline(step)})` : step.name))
    .join(' ');
}

/** Reads a stream to its end. */
export async function readAll<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Collects the rejections that nobody handles while `work` runs, and until it is over, in place of the test runner. */
export async function unhandledDuring(
  work: () => void,
  over: () => Promise<unknown> = async () => {},
): Promise<unknown[]> {
  const listeners = process.listeners('unhandledRejection');
  const reasons: unknown[] = [];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => reasons.push(reason));
  try {
    work();
    await over();
    // Node reports them after the microtasks of a turn.
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of listeners) process.on('unhandledRejection', listener);
  }
  return reasons;
}
