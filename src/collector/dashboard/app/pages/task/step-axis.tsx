import { DURATION_STEPS } from '../../format/axis-steps.ts';
import { shortDuration } from '../../format/durations.ts';

const MAX_TICKS = 5;

/** Milliseconds from one tick to the next, so that there are few of them at round numbers. */
export function tickStep(length: number): number {
  return DURATION_STEPS.find((step) => length / step <= MAX_TICKS) ?? length;
}

export function StepAxis({ length }: { length: number }) {
  const step = tickStep(length);
  const ticks = Array.from({ length: Math.floor(length / step) + 1 }, (_, index) => index * step);
  return (
    <div class="step-axis" aria-hidden="true">
      {ticks.map((tick) => (
        <span
          key={tick}
          class={tick === 0 ? 'first' : tick > length * 0.9 ? 'last' : undefined}
          style={{ left: `${(tick / length) * 100}%` }}
        >
          {tick === 0 ? '0' : shortDuration(tick)}
        </span>
      ))}
    </div>
  );
}
