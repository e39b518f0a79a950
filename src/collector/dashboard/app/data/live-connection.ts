import { LIVE_EVENT } from '../../wire.ts';
import { getJson } from './api.ts';
import { apiPath, projectApi } from './base.ts';

export type LiveStatus = 'connecting' | 'live' | 'lost' | 'back';

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 15_000;
const BACK_SHOWN_MS = 3000;

/**
 * Tells `onChange` when tasks or verdicts were stored, and at each opening: some may have been stored before it. A
 * hidden page holds no connection: browsers allow six to one origin, over all tabs.
 */
export function connectLive(
  project: string,
  onStatus: (status: LiveStatus) => void,
  onChange: () => void,
): () => void {
  let source: EventSource | undefined;
  let delay = FIRST_DELAY_MS;
  let lost = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const open = (): void => {
    close();
    if (document.hidden) return;
    source = new EventSource(projectApi(project, 'live'));
    source.onopen = opened;
    source.onerror = failed;
    source.addEventListener(LIVE_EVENT, onChange);
  };
  const close = (): void => {
    clearTimeout(timer);
    source?.close();
    source = undefined;
  };
  const opened = (): void => {
    delay = FIRST_DELAY_MS;
    // Before this, changes went by unseen.
    onChange();
    onStatus(lost ? 'back' : 'live');
    if (lost) timer = setTimeout(() => onStatus('live'), BACK_SHOWN_MS);
    lost = false;
  };
  const failed = (): void => {
    close();
    lost = true;
    onStatus('lost');
    // An EventSource does not tell why it failed: this finds out whether the session has ended.
    getJson(apiPath('session')).catch(() => {});
    timer = setTimeout(open, delay);
    delay = Math.min(delay * 2, MAX_DELAY_MS);
  };
  const seen = (): void => {
    if (!document.hidden) open();
    else close();
  };

  open();
  document.addEventListener('visibilitychange', seen);
  addEventListener('online', open);
  return () => {
    close();
    document.removeEventListener('visibilitychange', seen);
    removeEventListener('online', open);
  };
}
