import { useRoute } from 'preact-iso/router';
import type { TaskDetail } from '../../../wire.ts';
import { getJson } from '../../data/api.ts';
import { projectApi, projectPath } from '../../data/base.ts';
import { useLiveChange } from '../../data/live.tsx';
import { useResource } from '../../data/use-resource.ts';
import { BackLink } from '../../parts/back-link.tsx';
import { Guarded } from '../../parts/guarded.tsx';
import { MetadataTable } from '../../parts/metadata-table.tsx';
import { OutcomeBadge } from '../../parts/outcome-badge.tsx';
import { PageHead, titleOf } from '../../parts/page.tsx';
import { DetailStates, isGone } from '../../parts/states.tsx';
import { Thumb } from '../../parts/thumb.tsx';
import { ConversationView } from './conversation-view.tsx';
import { FactsPanel } from './facts-panel.tsx';
import { FeedbackPanel } from './feedback-panel.tsx';
import { otherMetadata } from './other-metadata.ts';
import { RawJson } from './raw-json.tsx';
import { StepsView } from './steps-view.tsx';

const REFRESH_MS = 5000;

export function TaskPage() {
  const { project = '', id = '' } = useRoute().params;
  const resource = useResource(`task ${project} ${id}`, (signal) =>
    getJson<TaskDetail>(projectApi(project, 'tasks', id), signal),
  );
  useLiveChange(resource.refresh, REFRESH_MS);
  const { data } = resource;
  const tasks = projectPath(project, 'tasks');
  const gone = isGone(resource);
  return (
    <>
      <PageHead
        title="Task"
        documentTitle={titleOf('Task', data?.task.input)}
        project={project}
        above={<BackLink href={tasks} label="Tasks" />}
      >
        {data !== undefined && !gone && (
          <div class="badges">
            <OutcomeBadge outcome={data.facts.outcome} />
            {data.task.flag && <Thumb flag={data.task.flag} />}
          </div>
        )}
      </PageHead>
      <DetailStates resource={resource} name="task" listHref={tasks} />
      {data !== undefined && !gone && (
        <Detail project={project} detail={data} onDetail={resource.replace} />
      )}
    </>
  );
}

function Detail({
  project,
  detail,
  onDetail,
}: {
  project: string;
  detail: TaskDetail;
  onDetail: (detail: TaskDetail) => void;
}) {
  const { task } = detail;
  return (
    <div class="detail" key={task.id}>
      <Guarded>
        <ConversationView task={task} />
      </Guarded>
      <aside class="detail-side" aria-label="Facts and feedback">
        <FeedbackPanel project={project} detail={detail} onDetail={onDetail} />
        <FactsPanel project={project} detail={detail} />
      </aside>
      <div class="detail-more">
        <Guarded>
          <StepsView steps={task.metadata?.steps} />
        </Guarded>
        <Guarded>
          <MetadataTable metadata={otherMetadata(detail)} />
        </Guarded>
        <Guarded>
          <RawJson value={task} />
        </Guarded>
      </div>
    </div>
  );
}
