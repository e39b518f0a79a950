import { InlineText } from '../text/plain-text.tsx';
import { ValueView } from '../text/value-view.tsx';
import { Rest } from './rest.tsx';

/** What a page can hold. */
const MAX_ENTRIES = 200;

export function MetadataTable({
  metadata,
}: {
  metadata: Record<string, unknown> | null | undefined;
}) {
  const entries = Object.entries(metadata ?? {});
  if (entries.length === 0) return null;
  return (
    <section class="card" aria-labelledby="metadata-title">
      <h2 id="metadata-title">Metadata</h2>
      <dl class="definitions">
        {entries.slice(0, MAX_ENTRIES).map(([key, value]) => (
          <div key={key}>
            <dt>
              <InlineText text={key} />
            </dt>
            <dd>
              <ValueView value={value} />
            </dd>
          </div>
        ))}
      </dl>
      <Rest count={entries.length - MAX_ENTRIES} />
    </section>
  );
}
