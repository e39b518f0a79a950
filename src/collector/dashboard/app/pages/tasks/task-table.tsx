import type { TaskRow } from '../../../wire.ts';
import { projectPath } from '../../data/base.ts';
import { useRowKeys } from '../../data/use-row-keys.ts';
import { duration } from '../../format/durations.ts';
import { count } from '../../format/numbers.ts';
import { type Column, HeadRow } from '../../parts/head-row.tsx';
import { Thumb } from '../../parts/thumb.tsx';
import { Ago } from '../../parts/time.tsx';
import { withoutHidden } from '../../text/hidden.ts';
import { InlineText } from '../../text/plain-text.tsx';
import { PreviewText } from '../../text/preview-text.tsx';

const COLUMNS: readonly Column[] = [
  ['Time', 'c-time'],
  [<span class="visually-hidden">Verdict</span>, 'c-thumb'],
  ['Exchange'],
  ['Session', 'c-id'],
  ['User', 'c-id'],
  ['Model', 'c-model'],
  ['Latency', 'c-number'],
  ['Tokens', 'c-number'],
];

export function TaskTable({
  project,
  tasks,
  fresh,
}: {
  project: string;
  tasks: readonly TaskRow[];
  fresh: ReadonlySet<string>;
}) {
  const body = useRowKeys<HTMLTableSectionElement>();
  return (
    <table class="list task-table">
      <HeadRow columns={COLUMNS} />
      <tbody ref={body}>
        {tasks.map((task) => (
          <Row key={task.id} project={project} task={task} fresh={fresh.has(task.id)} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ project, task, fresh }: { project: string; task: TaskRow; fresh: boolean }) {
  const failed = task.outcome === 'error';
  return (
    <tr class={fresh ? 'fresh' : undefined}>
      <td class="c-time">
        <Ago seconds={task.created_at} />
      </td>
      <td class="c-thumb">
        <Thumb flag={task.flag} notes={task.has_notes} />
      </td>
      <td class="c-exchange">
        <a class="row-link" href={projectPath(project, 'tasks', task.id)}>
          {task.input === '' ? (
            <span class="muted">Empty input</span>
          ) : (
            <InlineText text={task.input} />
          )}
        </a>
        <div class="c-output">
          {failed && <span class="badge error">Error</span>}
          {task.output !== null && <PreviewText text={task.output} />}
          {task.output === null && !failed && <span>No output</span>}
        </div>
      </td>
      <td class="c-id mono">
        <Cell value={task.session_id} />
      </td>
      <td class="c-id mono">
        <Cell value={task.user_id} />
      </td>
      <td class="c-model">
        <Cell value={task.model} />
      </td>
      <td class="c-number">
        {task.latency_ms === null ? <span class="nothing">–</span> : duration(task.latency_ms)}
      </td>
      <td class="c-number c-tokens">
        <Tokens task={task} />
      </td>
    </tr>
  );
}

function Cell({ value }: { value: string | null }) {
  if (value === null) return <span class="muted nothing">–</span>;
  return (
    <span class="ellipsis" title={withoutHidden(value)}>
      <InlineText text={value} />
    </span>
  );
}

function Tokens({ task: { prompt_tokens, completion_tokens } }: { task: TaskRow }) {
  if (prompt_tokens === null && completion_tokens === null) return <span class="nothing">–</span>;
  const title = `${prompt_tokens ?? '?'} in, ${completion_tokens ?? '?'} out`;
  return <span title={title}>{count((prompt_tokens ?? 0) + (completion_tokens ?? 0))}</span>;
}
