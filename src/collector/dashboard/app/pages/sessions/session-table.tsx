import type { SessionRow } from '../../../wire.ts';
import { projectPath } from '../../data/base.ts';
import { useRowKeys } from '../../data/use-row-keys.ts';
import { count } from '../../format/numbers.ts';
import { type Column, HeadRow } from '../../parts/head-row.tsx';
import { ThumbCounts } from '../../parts/thumb.tsx';
import { Ago } from '../../parts/time.tsx';
import { InlineText } from '../../text/plain-text.tsx';
import { PreviewText } from '../../text/preview-text.tsx';

const COLUMNS: readonly Column[] = [
  ['Began', 'c-time'],
  ['Session'],
  ['Tasks', 'c-number'],
  ['Feedback', 'c-counts'],
  ['Last message', 'c-time c-last'],
];

export function SessionTable({
  project,
  sessions,
}: {
  project: string;
  sessions: readonly SessionRow[];
}) {
  const body = useRowKeys<HTMLTableSectionElement>();
  return (
    <table class="list session-table">
      <HeadRow columns={COLUMNS} />
      <tbody ref={body}>
        {sessions.map((session) => (
          <tr key={session.id}>
            <td class="c-time">
              <Ago seconds={session.created_at} />
            </td>
            <td class="c-exchange">
              <a class="row-link" href={projectPath(project, 'sessions', session.id)}>
                {session.preview ? (
                  <PreviewText text={session.preview} />
                ) : (
                  <span class="muted">No messages</span>
                )}
              </a>
              <div class="c-output mono">
                <InlineText text={session.id} />
              </div>
            </td>
            <td
              class="c-number c-tasks"
              data-unit={session.session_length === 1 ? ' task' : ' tasks'}
            >
              {count(session.session_length)}
            </td>
            <td class="c-counts">
              <ThumbCounts success={session.success} failure={session.failure} />
            </td>
            <td class="c-time c-last">
              <Ago seconds={session.last_message_ts ?? session.created_at} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
