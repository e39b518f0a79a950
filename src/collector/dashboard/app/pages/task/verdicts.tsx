import type { Eval, Flag } from '../../../../../types.ts';
import { Thumb } from '../../parts/thumb.tsx';
import { Ago } from '../../parts/time.tsx';
import { CutText } from '../../text/cut-text.tsx';
import { InlineText } from '../../text/plain-text.tsx';

export function Verdicts({ evals }: { evals: Eval[] }) {
  if (evals.length === 0) return <p class="muted">Nobody has given a verdict yet.</p>;
  return (
    <ol class="verdicts" aria-label="All verdicts, newest first">
      {evals.map((verdict) => (
        <li key={verdict.id}>
          <p class="verdict-head">
            <Thumb flag={flagOf(verdict)} />
            <InlineText text={sourceLabel(verdict.source)} />
            <span class="muted">
              <Ago seconds={verdict.created_at} />
            </span>
          </p>
          {verdict.notes ? <CutText text={verdict.notes} /> : null}
        </li>
      ))}
    </ol>
  );
}

const SOURCES: Record<string, string> = { owner: 'Team', user: 'User' };

function sourceLabel(source: string): string {
  return Object.hasOwn(SOURCES, source) ? (SOURCES[source] ?? source) : source;
}

function flagOf({ value }: Eval): Flag | null {
  return value === 'success' || value === 'failure' ? value : null;
}
