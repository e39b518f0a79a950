import { useRef } from 'preact/hooks';
import type { TaskRow } from '../../../wire.ts';

/** The ids of rows that are new or different since the same list was last shown; none for another list. */
export function useFresh(list: string, rows: readonly TaskRow[]): ReadonlySet<string> {
  const seen = useRef<{ list: string; rows: readonly TaskRow[]; fresh: Set<string> } | undefined>(
    undefined,
  );
  const before = seen.current;
  if (before === undefined || before.list !== list) {
    seen.current = { list, rows, fresh: new Set() };
  } else if (before.rows !== rows) {
    const known = new Set(before.rows.map(signature));
    const changed = rows.filter((row) => !known.has(signature(row)));
    seen.current = { list, rows, fresh: new Set(changed.map(({ id }) => id)) };
  }
  return seen.current?.fresh ?? new Set();
}

function signature({ id, flag, has_notes, outcome, latency_ms }: TaskRow): string {
  return JSON.stringify([id, flag, has_notes, outcome, latency_ms]);
}
