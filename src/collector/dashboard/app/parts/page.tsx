import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { withoutHidden } from '../text/hidden.ts';

/** A page's one h1 with what stands beside it, and the document's title. */
export function PageHead({
  title,
  documentTitle,
  project,
  children,
  above,
}: {
  title: ComponentChildren;
  documentTitle: string;
  project?: string | undefined;
  above?: ComponentChildren;
  children?: ComponentChildren;
}) {
  useEffect(() => {
    document.title = [documentTitle, project, 'phospho'].filter(Boolean).join(' · ');
  }, [documentTitle, project]);
  return (
    <div class="page-head">
      <div class="page-title">
        {above}
        <h1 tabIndex={-1}>{title}</h1>
      </div>
      {children}
    </div>
  );
}

const MAX_TITLE = 60;

/** Begins with what tells one tab from another. */
export function titleOf(kind: string, text: string | undefined): string {
  const line = withoutHidden(text ?? '')
    .trim()
    .replace(/\s+/g, ' ');
  if (line === '') return kind;
  const characters = [...line.slice(0, MAX_TITLE * 2)];
  const start = characters.slice(0, MAX_TITLE).join('');
  return `${start}${characters.length > MAX_TITLE ? '…' : ''} · ${kind}`;
}

/** After a navigation, the reader's place is the new page's heading. */
export function focusHeading(): void {
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
}
