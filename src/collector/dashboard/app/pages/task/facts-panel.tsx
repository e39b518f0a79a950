import type { TaskDetail } from '../../../wire.ts';
import { projectPath, withQuery } from '../../data/base.ts';
import { duration } from '../../format/durations.ts';
import { tokensText } from '../../format/tokens.ts';
import { Fact } from '../../parts/fact.tsx';
import { OutcomeBadge } from '../../parts/outcome-badge.tsx';
import { Moment } from '../../parts/time.tsx';
import { InlineText } from '../../text/plain-text.tsx';

export function FactsPanel({ project, detail }: { project: string; detail: TaskDetail }) {
  const { task, facts, user_id, version_id } = detail;
  const tasks = projectPath(project, 'tasks');
  const filter = (name: string, value: string) => (
    <a href={withQuery(tasks, { [name]: value })}>
      <InlineText text={value} />
    </a>
  );
  return (
    <section class="card" aria-labelledby="facts-title">
      <h2 id="facts-title">Facts</h2>
      <dl class="facts">
        <Fact label="Time">
          <Moment seconds={task.created_at} />
        </Fact>
        <Fact label="Outcome">{facts.outcome && <OutcomeBadge outcome={facts.outcome} />}</Fact>
        <Fact label="Model">{facts.model && filter('model', facts.model)}</Fact>
        <Fact label="Route">{facts.route && filter('route', facts.route)}</Fact>
        <Fact label="Latency">{facts.latency_ms !== null && duration(facts.latency_ms)}</Fact>
        <Fact label="Tokens">{tokensText(facts.prompt_tokens, facts.completion_tokens)}</Fact>
        <Fact label="Session">
          {task.session_id && (
            <a href={projectPath(project, 'sessions', task.session_id)}>
              <InlineText text={task.session_id} />
            </a>
          )}
        </Fact>
        <Fact label="User">{user_id && filter('user', user_id)}</Fact>
        <Fact label="Version">{version_id && filter('version', version_id)}</Fact>
        <Fact label="Environment">
          {task.environment && <InlineText text={task.environment} />}
        </Fact>
        <Fact label="Test">{task.test_id && <InlineText text={task.test_id} />}</Fact>
        <Fact label="Id">
          <span class="mono">
            <InlineText text={task.id} />
          </span>
        </Fact>
      </dl>
    </section>
  );
}
