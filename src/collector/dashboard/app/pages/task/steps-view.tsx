import { useMemo } from 'preact/hooks';
import { duration } from '../../format/durations.ts';
import { StepItem } from './step-item.tsx';
import { MAX_STEPS, waterfallOf } from './steps.ts';

const TICKS = [0, 0.25, 0.5, 0.75, 1];

export function StepsView({ steps }: { steps: unknown }) {
  const waterfall = useMemo(() => waterfallOf(steps), [steps]);
  if (waterfall === undefined) return null;
  return (
    <section class="card" aria-labelledby="steps-title">
      <h2 id="steps-title">Steps</h2>
      <div class="waterfall">
        <div class="step-axis" aria-hidden="true">
          {TICKS.map((tick) => (
            <span key={tick}>{duration(waterfall.length * tick)}</span>
          ))}
        </div>
        <ul class="step-list">
          {waterfall.roots.map((step) => (
            <StepItem key={step.key} step={step} waterfall={waterfall} depth={0} />
          ))}
        </ul>
      </div>
      {waterfall.count >= MAX_STEPS && (
        <p class="muted">The first {MAX_STEPS} steps; all of them are in the raw JSON.</p>
      )}
    </section>
  );
}
