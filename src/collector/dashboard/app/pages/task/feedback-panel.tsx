import { useState } from 'preact/hooks';
import type { Flag } from '../../../../../types.ts';
import type { FlagBody, TaskDetail } from '../../../wire.ts';
import { asApiError, postJson } from '../../data/api.ts';
import { projectApi } from '../../data/base.ts';
import { Icon } from '../../parts/icon.tsx';
import { FLAG_LABELS } from '../../parts/thumb.tsx';
import { Verdicts } from './verdicts.tsx';

const MAX_NOTES = 2000;

export function FeedbackPanel({
  project,
  detail,
  onDetail,
}: {
  project: string;
  detail: TaskDetail;
  onDetail: (detail: TaskDetail) => void;
}) {
  const [notes, setNotes] = useState('');
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<{ text: string; failed: boolean }>();

  const current = detail.task.flag ?? null;
  const send = async (flag: Flag): Promise<void> => {
    const note = notes.trim();
    if (flag === current && note === '') {
      setSaid({ text: 'This is the verdict already. A note would be added to it.', failed: false });
      return;
    }
    const body: FlagBody = { flag, ...(note !== '' && { notes: note }) };
    setBusy(true);
    setSaid(undefined);
    try {
      onDetail(await postJson(projectApi(project, 'tasks', detail.task.id, 'flag'), body));
      setNotes('');
      setSaid({ text: 'Saved', failed: false });
    } catch (error) {
      setSaid({ text: `Not saved: ${asApiError(error).message}`, failed: true });
    } finally {
      setBusy(false);
    }
  };
  const button = (flag: Flag) => (
    <button
      type="button"
      class={`button verdict ${flag}`}
      aria-pressed={current === flag}
      aria-disabled={busy}
      onClick={() => busy || void send(flag)}
    >
      <Icon name={flag === 'success' ? 'up' : 'down'} />
      {FLAG_LABELS[flag]}
    </button>
  );
  return (
    <section class="card feedback" aria-labelledby="feedback-title">
      <h2 id="feedback-title">Feedback</h2>
      <label for="notes">Note (optional), saved with the thumb that you press</label>
      <textarea
        id="notes"
        class="input"
        rows={2}
        dir="auto"
        maxLength={MAX_NOTES}
        value={notes}
        onInput={(event) => setNotes(event.currentTarget.value)}
      />
      <div class="verdict-buttons">
        {button('success')}
        {button('failure')}
      </div>
      <p class={`said ${said?.failed ? 'failure-text' : 'muted'}`} role="status">
        {said?.text}
      </p>
      <Verdicts evals={detail.evals} />
    </section>
  );
}
