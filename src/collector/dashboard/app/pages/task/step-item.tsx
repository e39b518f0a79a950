import { useState } from 'preact/hooks';
import { duration } from '../../format/durations.ts';
import { Icon } from '../../parts/icon.tsx';
import { OutcomeBadge } from '../../parts/outcome-badge.tsx';
import { InlineText } from '../../text/plain-text.tsx';
import { ValueView } from '../../text/value-view.tsx';
import type { StepNode, Waterfall } from './steps.ts';

const INDENT_PX = 14;
const MAX_INDENTS = 8;

export function StepItem({
  step,
  waterfall,
  depth,
}: {
  step: StepNode;
  waterfall: Waterfall;
  depth: number;
}) {
  const [open, setOpen] = useState(false);
  const left = ((step.start - waterfall.start) / waterfall.length) * 100;
  const width = (step.duration / waterfall.length) * 100;
  const unusual = step.outcome === 'complete' ? null : step.outcome;
  return (
    <li>
      <button type="button" class="step-row" aria-expanded={open} onClick={() => setOpen(!open)}>
        <span
          class="step-name"
          style={{ paddingInlineStart: `${Math.min(depth, MAX_INDENTS) * INDENT_PX}px` }}
        >
          <Icon name="chevron" size={12} />
          <span class="ellipsis">
            <InlineText text={step.name} />
          </span>
          <OutcomeBadge outcome={unusual} />
        </span>
        <span class="step-track">
          <span
            class={`step-bar ${step.outcome ?? ''}`}
            style={{ left: `${left}%`, width: `max(3px, ${width}%)` }}
          />
        </span>
        <span class="step-duration">{duration(step.duration)}</span>
      </button>
      {open && <StepDetail step={step} />}
      {step.children.length > 0 && (
        <ul>
          {step.children.map((child) => (
            <StepItem key={child.key} step={child} waterfall={waterfall} depth={depth + 1} />
          ))}
        </ul>
      )}
    </li>
  );
}

function StepDetail({ step }: { step: StepNode }) {
  return (
    <dl class="step-detail">
      {step.error !== undefined && (
        <>
          <dt>Error</dt>
          <dd class="failure-text">
            <ValueView value={step.error} />
          </dd>
        </>
      )}
      {step.model !== undefined && (
        <>
          <dt>Model</dt>
          <dd>
            <InlineText text={step.model} />
          </dd>
        </>
      )}
      {step.tokens !== null && (
        <>
          <dt>Tokens</dt>
          <dd>{step.tokens}</dd>
        </>
      )}
      <dt>Input</dt>
      <dd>
        {step.input === undefined ? <span class="muted">–</span> : <ValueView value={step.input} />}
      </dd>
      <dt>Output</dt>
      <dd>
        {step.output === undefined ? (
          <span class="muted">–</span>
        ) : (
          <ValueView value={step.output} />
        )}
      </dd>
      {step.toolCalls.length > 0 && (
        <>
          <dt>Tool calls</dt>
          <dd>
            <ValueView value={step.toolCalls} />
          </dd>
        </>
      )}
    </dl>
  );
}
