import { useMemo } from 'preact/hooks';
import { StepAxis, tickStep } from './step-axis.tsx';
import { StepItem } from './step-item.tsx';
import { MAX_STEPS, waterfallOf } from './steps.ts';

export function StepsView({ steps }: { steps: unknown }) {
  const waterfall = useMemo(() => waterfallOf(steps), [steps]);
  if (waterfall === undefined) return null;
  const tick = `${(tickStep(waterfall.length) / waterfall.length) * 100}%`;
  return (
    <section class="card" aria-labelledby="steps-title">
      <h2 id="steps-title">Steps</h2>
      <div class="waterfall" style={{ '--tick': tick }}>
        <StepAxis length={waterfall.length} />
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
