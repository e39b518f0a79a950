import type { ComponentChildren } from 'preact';

/** A line of a `dl.facts`; none where there is nothing to say. */
export function Fact({ label, children }: { label: string; children: ComponentChildren }) {
  if (children === null || children === undefined || children === '' || children === false) {
    return null;
  }
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
