import type { Flag } from '../../../../types.ts';
import { Icon } from './icon.tsx';

export const FLAG_LABELS: Record<Flag, string> = { success: 'Thumb up', failure: 'Thumb down' };

export function Thumb({ flag, notes = false }: { flag: Flag | null; notes?: boolean }) {
  const label = flag === null ? 'No verdict' : FLAG_LABELS[flag];
  const title = notes ? `${label}, with a note` : label;
  return (
    <span class={`thumb ${flag ?? 'none'}`} title={title}>
      {flag !== null && <Icon name={flag === 'success' ? 'up' : 'down'} />}
      {notes && <span class="thumb-note" />}
      <span class="visually-hidden">{title}</span>
    </span>
  );
}

/** How many of each, for a list of sessions or the like. */
export function ThumbCounts({ success, failure }: { success: number; failure: number }) {
  if (success === 0 && failure === 0) return <span class="muted">–</span>;
  return (
    <span class="thumb-counts">
      {success > 0 && (
        <span class="thumb success">
          <Icon name="up" size={14} />
          <span class="visually-hidden">up: </span>
          {success}
        </span>
      )}
      {failure > 0 && (
        <span class="thumb failure">
          <Icon name="down" size={14} />
          <span class="visually-hidden">down: </span>
          {failure}
        </span>
      )}
    </span>
  );
}
