import { InlineText } from '../text/plain-text.tsx';

/** Senders may have words of their own. */
const MAX_LENGTH = 64;
const LABELS: Record<string, string> = {
  complete: 'Complete',
  aborted: 'Aborted',
  error: 'Error',
};

export function OutcomeBadge({ outcome }: { outcome: string | null }) {
  if (outcome === null) return null;
  const label = Object.hasOwn(LABELS, outcome) ? LABELS[outcome] : undefined;
  if (label !== undefined) return <span class={`badge ${outcome}`}>{label}</span>;
  return (
    <span class="badge">
      <span class="ellipsis">
        <InlineText text={outcome.slice(0, MAX_LENGTH)} />
      </span>
    </span>
  );
}
