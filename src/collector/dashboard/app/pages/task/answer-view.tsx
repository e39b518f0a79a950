import { useState } from 'preact/hooks';
import type { TaskContent } from '../../../../../types.ts';
import { Disclosure } from '../../parts/disclosure.tsx';
import { Icon } from '../../parts/icon.tsx';
import { CutText } from '../../text/cut-text.tsx';
import { textOf } from '../../text/json-text.ts';
import { ValueView } from '../../text/value-view.tsx';
import { Said } from './message-view.tsx';
import { ToolCalls } from './tool-call-card.tsx';
import { toolCallsOf } from './tool-calls.ts';

/** What the model answered, and how it came to it. */
export function AnswerView({ task }: { task: TaskContent }) {
  const [plain, setPlain] = useState(false);
  const { output, metadata } = task;
  const calls = toolCallsOf(metadata?.tool_calls);
  const reasoning = textOf(metadata?.reasoning);
  const error = metadata?.error;
  const toggle = (
    <button
      type="button"
      class="link-button small"
      aria-pressed={plain}
      onClick={() => setPlain(!plain)}
    >
      Plain text
    </button>
  );
  return (
    <Said speaker="assistant" beside={output ? toggle : undefined}>
      {error !== undefined && error !== null && (
        <div class="notice error">
          <Icon name="alert" />
          <ValueView value={error} />
        </div>
      )}
      {reasoning !== undefined && (
        <Disclosure title="Reasoning">
          <CutText text={reasoning} />
        </Disclosure>
      )}
      {output ? <CutText text={output} markdown={!plain} /> : null}
      <ToolCalls calls={calls} />
      {!output && calls.length === 0 && !error && <p class="muted">No output was recorded.</p>}
    </Said>
  );
}
