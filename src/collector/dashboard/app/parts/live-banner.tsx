import { useLiveStatus } from '../data/live.tsx';
import type { LiveStatus } from '../data/live-connection.ts';
import { Icon } from './icon.tsx';

const TEXTS: Partial<Record<LiveStatus, string>> = {
  lost: 'Connection to the collector lost. Trying again…',
  back: 'Connected again',
};

/** The element is always there: a status that appears with its text is often not read out. */
export function LiveBanner() {
  const status = useLiveStatus();
  const text = TEXTS[status];
  return (
    <div class={`live-banner ${text === undefined ? '' : status}`} role="status">
      {text !== undefined && (
        <>
          <Icon name={status === 'lost' ? 'alert' : 'check'} size={14} />
          {text}
        </>
      )}
    </div>
  );
}

export function LiveDot() {
  const status = useLiveStatus();
  const live = status === 'live' || status === 'back';
  const label = live ? 'Live: new tasks appear by themselves' : 'Not connected';
  return (
    <span class={`live-dot ${live ? 'on' : ''}`} title={label}>
      <span class="visually-hidden">{label}</span>
    </span>
  );
}
