import { type Query, withQuery } from '../data/base.ts';
import { Icon } from './icon.tsx';

/** Cursors are in the address, so that a page can be gone back to and passed on. */
export function Pager({
  path,
  query,
  newer,
  older,
}: {
  path: string;
  query: Query;
  newer: string | null;
  older: string | null;
}) {
  if (newer === null && older === null) return null;
  const to = (cursor: Query): string =>
    withQuery(path, { ...query, before: undefined, after: undefined, ...cursor });
  return (
    <nav class="pager" aria-label="Pages">
      {newer !== null && (
        <>
          <a class="button" href={to({})}>
            Newest
          </a>
          <a class="button" href={to({ after: newer })} rel="prev">
            <Icon name="left" size={14} />
            Newer
          </a>
        </>
      )}
      {older !== null && (
        <a class="button" href={to({ before: older })} rel="next">
          Older
          <Icon name="chevron" size={14} />
        </a>
      )}
    </nav>
  );
}
