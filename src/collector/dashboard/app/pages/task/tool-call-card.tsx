import { Icon } from '../../parts/icon.tsx';
import { Rest } from '../../parts/rest.tsx';
import { InlineText } from '../../text/plain-text.tsx';
import { ValueView } from '../../text/value-view.tsx';
import type { ToolCall } from './tool-calls.ts';

/** What a page can hold. */
const MAX_CALLS = 100;

export function ToolCalls({ calls }: { calls: ToolCall[] }) {
  if (calls.length === 0) return null;
  return (
    <>
      <ul class="tool-calls">
        {calls.slice(0, MAX_CALLS).map((call, index) => (
          <li class="tool-call" key={index}>
            <p class="tool-name">
              <Icon name="tool" size={14} />
              <InlineText text={call.name} />
              {call.id !== undefined && (
                <span class="muted mono">
                  <InlineText text={call.id} />
                </span>
              )}
            </p>
            {call.arguments !== undefined && <ValueView value={call.arguments} />}
          </li>
        ))}
      </ul>
      <Rest count={calls.length - MAX_CALLS} />
    </>
  );
}
