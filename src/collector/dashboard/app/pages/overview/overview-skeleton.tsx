import { Skeleton } from '../../parts/states.tsx';

/** As large as what comes in its place. */
export function OverviewSkeleton() {
  return (
    <div class="stack">
      <Skeleton lines={5} kind="tile" />
      <Skeleton lines={4} kind="chart" />
    </div>
  );
}
