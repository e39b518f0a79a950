import { type DropInfo, Phospho, type PhosphoOptions } from 'phospho-express';
import { isBalanced } from 'phospho-express/testing';
import { expect } from 'vitest';
import { expectBalanced, KEY, SILENT } from '../../helpers/ledger.ts';
import type { Finishing } from './ill-server.ts';

/** A Phospho with all that its hooks were told, shut down after the test. */
export interface Watched {
  phospho: Phospho;
  drops: DropInfo[];
  errors: unknown[];
  accepted: string[];
  delivered: string[];
  /** Looks at the ledger now; what is wrong with it fails the test at its end. */
  check: () => void;
}

/** Its ledger is looked at in every hook: what a hook throws is caught by design, so it is kept for the end. */
export function watch({ onTestFinished }: Finishing, options: PhosphoOptions): Watched {
  const unbalanced: string[] = [];
  const check = () => {
    const ledger = phospho.stats();
    if (!isBalanced(ledger)) unbalanced.push(JSON.stringify(ledger));
  };
  const drops: DropInfo[] = [];
  const errors: unknown[] = [];
  const accepted: string[] = [];
  const delivered: string[] = [];
  const into =
    <T>(list: T[]) =>
    (item: T): void => {
      list.push(item);
      check();
    };
  const phospho = new Phospho({
    apiKey: KEY,
    projectId: 'p',
    logger: SILENT,
    onDrop: into(drops),
    onError: into(errors),
    onAccepted: into(accepted),
    onDelivered: into(delivered),
    ...options,
  });
  onTestFinished(async () => {
    expectBalanced(await phospho.shutdown({ timeoutMs: 0 }));
    expect(unbalanced).toEqual([]);
  });
  return { phospho, drops, errors, accepted, delivered, check };
}
