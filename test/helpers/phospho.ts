import { type LogEvent, Phospho, type PhosphoOptions } from 'phospho-express';
import { InMemoryExporter, isBalanced } from 'phospho-express/testing';
import { afterEach, expect } from 'vitest';

const open: Phospho[] = [];

/** A Phospho that keeps what it captures, and its exporter; shut down after the test, its ledger checked. */
export function testPhospho(options: PhosphoOptions = {}): {
  phospho: Phospho;
  exporter: InMemoryExporter;
  /** All events so far, once everything that has settled has arrived. */
  events: () => Promise<LogEvent[]>;
} {
  const exporter = new InMemoryExporter();
  const phospho = new Phospho({
    exporter,
    feedback: { secret: 'a secret for tests, long enough to count' },
    ...options,
  });
  open.push(phospho);
  return {
    phospho,
    exporter,
    events: async () => {
      await phospho.flush();
      return exporter.events;
    },
  };
}

afterEach(async () => {
  for (const phospho of open.splice(0)) {
    const ledger = await phospho.shutdown();
    expect(isBalanced(ledger), JSON.stringify(ledger)).toBe(true);
  }
});
