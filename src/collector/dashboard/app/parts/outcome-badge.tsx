const LABELS: Record<string, string> = {
  complete: 'Complete',
  aborted: 'Aborted',
  error: 'Error',
};

export function OutcomeBadge({ outcome }: { outcome: string | null }) {
  if (outcome === null) return null;
  const label = Object.hasOwn(LABELS, outcome) ? LABELS[outcome] : undefined;
  return <span class={`badge ${label === undefined ? '' : outcome}`}>{label ?? outcome}</span>;
}
