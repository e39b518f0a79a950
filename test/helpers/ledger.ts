import { type Ledger, Phospho, type PhosphoOptions } from 'phospho-express';
import { isBalanced } from 'phospho-express/testing';
import { expect, onTestFinished } from 'vitest';

export const KEY = 'key-of-the-tests-0123456789abcdef-0123456789';
export const SECRET = 'a secret of the tests, of forty characters';

export const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** Fails the test if the ledger's equation does not hold, or a count is negative. */
export function expectBalanced(ledger: Ledger): void {
  const counts = [ledger.events, ledger.flags].flatMap(({ dropped, ...others }) => [
    ...Object.values(others),
    ...Object.values(dropped),
  ]);
  const text = JSON.stringify(ledger);
  expect(Math.min(...counts), text).toBeGreaterThanOrEqual(0);
  expect(isBalanced(ledger), text).toBe(true);
}

/** A Phospho that is shut down after the test, its ledger checked. */
export function phosphoFor(options: PhosphoOptions): Phospho {
  const phospho = new Phospho({ apiKey: KEY, projectId: 'p', logger: SILENT, ...options });
  onTestFinished(async () => {
    const ledger = await phospho.shutdown({ timeoutMs: 0 });
    expectBalanced(ledger);
    const { pending, queued, inFlight } = ledger.events;
    expect({ pending, queued, inFlight }).toEqual({ pending: 0, queued: 0, inFlight: 0 });
  });
  return phospho;
}

/** Logs tasks named `<prefix>0`, `<prefix>1` …; returns their ids. */
export function logTasks(phospho: Phospho, count: number, prefix = 't'): string[] {
  return Array.from({ length: count }, (_, index) => {
    const { taskId } = phospho.log({
      input: `question ${index}`,
      output: 'answer',
      taskId: `${prefix}${index}`,
    });
    return taskId;
  });
}
