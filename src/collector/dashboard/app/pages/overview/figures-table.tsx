import { useId } from 'preact/hooks';
import type { Figures } from '../../../wire.ts';
import { optionalDuration } from '../../format/durations.ts';
import { count, share } from '../../format/numbers.ts';
import { type Column, HeadRow } from '../../parts/head-row.tsx';
import { InlineText } from '../../text/plain-text.tsx';

type Row = Figures & { name: string | null };

const COLUMNS: readonly Column[] = [
  ['Name'],
  ['Tasks', 'number'],
  ['Success rate'],
  ['Errors', 'number'],
  ['p50', 'number'],
  ['p95', 'number'],
  ['Tokens', 'number'],
];

/** One row for each model or route, with a link to its tasks; nothing where there is none. */
export function FiguresTable({
  title,
  unnamed,
  rows,
  linkTo,
}: {
  title: string;
  unnamed: string;
  rows: Row[];
  linkTo: (name: string) => string;
}) {
  const id = useId();
  if (rows.length === 0) return null;
  return (
    <section class="card" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <table class="figures">
        <HeadRow columns={COLUMNS} />
        <tbody>
          {rows.map((row) => (
            <tr key={row.name ?? ''}>
              <th scope="row">
                {row.name === null ? (
                  <span class="muted">{unnamed}</span>
                ) : (
                  <a href={linkTo(row.name)}>
                    <InlineText text={row.name} />
                  </a>
                )}
              </th>
              <td class="number" data-label="Tasks">
                {count(row.tasks)}
              </td>
              <td data-label="Success rate">
                <SuccessRate success={row.success} failure={row.failure} />
              </td>
              <td class="number" data-label="Errors">
                {count(row.errors)}
              </td>
              <td class="number" data-label="p50">
                {optionalDuration(row.latency_p50_ms)}
              </td>
              <td class="number" data-label="p95">
                {optionalDuration(row.latency_p95_ms)}
              </td>
              <td class="number" data-label="Tokens">
                {count(row.prompt_tokens + row.completion_tokens)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function SuccessRate({ success, failure }: { success: number; failure: number }) {
  const judged = success + failure;
  if (judged === 0) return <span class="muted">–</span>;
  return (
    <span class="rate" title={`${count(success)} up, ${count(failure)} down`}>
      <span class="rate-bar" aria-hidden="true">
        <span style={{ width: `${(success / judged) * 100}%` }} />
      </span>
      {share(success, judged)}
    </span>
  );
}
