import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useRoute } from 'preact-iso/router';
import type { Transcript } from '../../../wire.ts';
import { getJson } from '../../data/api.ts';
import { projectApi, projectPath, withQuery } from '../../data/base.ts';
import { useLiveChange } from '../../data/live.tsx';
import { useResource } from '../../data/use-resource.ts';
import { BackLink } from '../../parts/back-link.tsx';
import { MetadataTable } from '../../parts/metadata-table.tsx';
import { PageHead, titleOf } from '../../parts/page.tsx';
import { DetailStates, isGone } from '../../parts/states.tsx';
import { ExchangeView } from './exchange-view.tsx';
import { SessionFacts } from './session-facts.tsx';

const REFRESH_MS = 5000;

export function SessionPage() {
  const { project = '', id = '' } = useRoute().params;
  return <SessionView key={id} project={project} id={id} />;
}

function SessionView({ project, id }: { project: string; id: string }) {
  const [pages, setPages] = useState(1);
  const url = projectApi(project, 'sessions', id);
  const resource = useResource(`${url} ${pages}`, (signal) => load(url, pages, signal), {
    keep: true,
  });
  useLiveChange(resource.refresh, REFRESH_MS);
  const { data, stale } = resource;
  const list = useRef<HTMLOListElement>(null);
  const isWhole = data?.later === null && pages > 1;
  useLayoutEffect(() => {
    // The button that loaded the rest is gone.
    if (isWhole) list.current?.focus({ preventScroll: true });
  }, [isWhole]);
  const sessions = projectPath(project, 'sessions');
  const gone = isGone(resource);
  return (
    <>
      <PageHead
        title="Session"
        documentTitle={titleOf('Session', data?.exchanges[0]?.input)}
        project={project}
        above={<BackLink href={sessions} label="Sessions" />}
      />
      <DetailStates resource={resource} name="session" listHref={sessions} />
      {data !== undefined && !gone && (
        <div class="detail">
          <div class="transcript-column">
            <ol class="transcript" aria-label="Transcript" tabIndex={-1} ref={list}>
              {data.exchanges.map((exchange) => (
                <ExchangeView key={exchange.id} project={project} exchange={exchange} />
              ))}
            </ol>
            {data.later !== null && (
              <button
                type="button"
                class="button"
                aria-disabled={stale}
                onClick={() => stale || setPages(pages + 1)}
              >
                {stale ? 'Loading…' : 'Load more'}
              </button>
            )}
          </div>
          <aside class="detail-side" aria-label="Facts">
            <SessionFacts session={data.session} />
            <MetadataTable metadata={data.session.metadata} />
          </aside>
        </div>
      )}
    </>
  );
}

/** The first pages as one: verdicts may have come to any of them. */
async function load(url: string, pages: number, signal: AbortSignal): Promise<Transcript> {
  let whole = await getJson<Transcript>(url, signal);
  for (let page = 1; page < pages && whole.later !== null; page += 1) {
    const next = await getJson<Transcript>(withQuery(url, { after: whole.later }), signal);
    whole = { ...next, exchanges: [...whole.exchanges, ...next.exchanges] };
  }
  return whole;
}
