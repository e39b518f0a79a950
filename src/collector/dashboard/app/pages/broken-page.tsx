import { PageHead } from '../parts/page.tsx';
import { BareShell } from '../parts/shell.tsx';

export function BrokenPage({ reset }: { reset: () => void }) {
  return (
    <BareShell>
      <div class="empty whole-page" role="alert">
        <PageHead title="This page broke" documentTitle="Error" />
        <p class="muted">A mistake of the dashboard, not of your app. Nothing is lost.</p>
        <button type="button" class="button" onClick={reset}>
          Try again
        </button>
      </div>
    </BareShell>
  );
}
