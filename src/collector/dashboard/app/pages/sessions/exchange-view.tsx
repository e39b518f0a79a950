import type { Exchange } from '../../../wire.ts';
import { projectPath } from '../../data/base.ts';
import { duration } from '../../format/durations.ts';
import { Icon } from '../../parts/icon.tsx';
import { OutcomeBadge } from '../../parts/outcome-badge.tsx';
import { Thumb } from '../../parts/thumb.tsx';
import { Moment } from '../../parts/time.tsx';
import { CutText } from '../../text/cut-text.tsx';
import { InlineText } from '../../text/plain-text.tsx';

/** Of each text of a transcript: fifty exchanges are one page. */
const CUT_LENGTH = 4000;

export function ExchangeView({ project, exchange }: { project: string; exchange: Exchange }) {
  const { id, created_at, input, output, flag, notes, model, latency_ms, outcome } = exchange;
  return (
    <li class="exchange">
      <div class="bubble user">
        <h2 class="visually-hidden">User</h2>
        {input === '' ? (
          <p class="muted">Empty input</p>
        ) : (
          <CutText text={input} cutLength={CUT_LENGTH} />
        )}
      </div>
      <div class="bubble assistant">
        <h2 class="visually-hidden">Assistant</h2>
        {output ? (
          <CutText text={output} markdown cutLength={CUT_LENGTH} />
        ) : (
          <p class="muted">No output was recorded.</p>
        )}
      </div>
      {notes && (
        <div class="bubble-note">
          <Icon name="note" size={14} />
          <span class="visually-hidden">Note: </span>
          <CutText text={notes} cutLength={CUT_LENGTH} />
        </div>
      )}
      <p class="exchange-facts">
        {flag !== null && <Thumb flag={flag} />}
        {outcome !== 'complete' && <OutcomeBadge outcome={outcome} />}
        <a href={projectPath(project, 'tasks', id)}>
          Task of <Moment seconds={created_at} />
        </a>
        {model && <InlineText text={model} />}
        {latency_ms !== null && <span>{duration(latency_ms)}</span>}
      </p>
    </li>
  );
}
