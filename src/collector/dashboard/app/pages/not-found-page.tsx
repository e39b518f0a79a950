import { pagePath } from '../data/base.ts';
import { PageHead } from '../parts/page.tsx';

export function NotFoundPage() {
  return (
    <div class="empty whole-page">
      <PageHead title="This page does not exist" documentTitle="Not found" />
      <p class="muted">The address may be mistyped, or the project may have another name.</p>
      <a class="button" href={pagePath('')}>
        Go to the overview
      </a>
    </div>
  );
}
