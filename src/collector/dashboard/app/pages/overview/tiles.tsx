import type { ComponentChildren } from 'preact';
import type { Figures } from '../../../wire.ts';
import { optionalDuration } from '../../format/durations.ts';
import { count, share } from '../../format/numbers.ts';

export function Tiles({ totals }: { totals: Figures }) {
  const { tasks, success, failure, errors } = totals;
  const judged = success + failure;
  return (
    <dl class="tiles">
      <Tile label="Tasks" value={count(tasks)} />
      <Tile label="Success rate" value={share(success, judged)}>
        {judged === 0 ? 'no thumbs yet' : `of ${count(judged)} with a thumb`}
      </Tile>
      <Tile label="Errors" value={count(errors)}>
        {tasks > 0 && `${share(errors, tasks)} of tasks`}
      </Tile>
      <Tile label="Latency" value={optionalDuration(totals.latency_p50_ms)}>
        {totals.latency_p95_ms === null
          ? 'median'
          : `p50 · p95 ${optionalDuration(totals.latency_p95_ms)}`}
      </Tile>
      <Tile label="Tokens" value={count(totals.prompt_tokens + totals.completion_tokens)}>
        {`${count(totals.prompt_tokens)} in · ${count(totals.completion_tokens)} out`}
      </Tile>
    </dl>
  );
}

function Tile({
  label,
  value,
  children,
}: {
  label: string;
  value: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="tile">
      <dt>{label}</dt>
      <dd>
        <span class="tile-value">{value}</span>
        <span class="tile-note">{children}</span>
      </dd>
    </div>
  );
}
